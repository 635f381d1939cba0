"""The parameters of a request as the SDKs name them, whatever protocol carried them, by botocore's service model."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import botocore.loaders
import botocore.model

# MiniStack's names of services, where botocore has another; a list where the service has several models.
_MODELS = {
    "elasticloadbalancing": ("elbv2",),
    "monitoring": ("cloudwatch",),
    "servicequotas": ("service-quotas",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
    "elasticfilesystem": ("efs",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "lambda-core": ("lambda",),
    "airflow": ("mwaa",),
}

_LABEL = re.compile(r"\{(\w+)\+?\}")


@dataclass(frozen=True)
class Request:
    """An HTTP request as MiniStack's router has it: params are the query's and, of a form, the body's."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, Any]


@functools.cache
def model(service: str) -> botocore.model.ServiceModel | None:
    """botocore's model of a service by MiniStack's name for it, or None."""
    loader = botocore.loaders.Loader()
    for name in _MODELS.get(service, (service,)):
        try:
            return botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name)
        except botocore.loaders.UnknownServiceError:
            continue
    return None


def operation_of(request: Request) -> str:
    """The API operation, such as "RunInstances"; empty when the request shows none."""
    action = _first(request.params.get("Action"))
    if action:
        return action
    target = request.headers.get("x-amz-target", "")
    if "." in target:
        return target.rsplit(".", 1)[-1]
    found = _route(request)
    return found[0] if found else ""


def read(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation and its parameters; no parameters where the service's model is not known."""
    operation = operation_of(request)
    service = model(request.service)
    if service is None or operation not in service.operation_names:
        return operation, {}
    shape = service.operation_model(operation).input_shape
    if shape is None:
        return operation, {}
    if _first(request.params.get("Action")):
        return operation, _structure(shape, "", _flat(request.params), service.metadata["protocol"] == "ec2")
    if request.headers.get("x-amz-target"):
        return operation, _json(request.body)
    return operation, _rest(request, shape)


def _first(value: Any) -> str:
    return (value[0] if value else "") if isinstance(value, list) else (value or "")


def _flat(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: _first(value) for name, value in params.items()}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# --- the query protocol, and EC2's own: Names.With.Dots and numbers


def _structure(shape: Any, prefix: str, params: Mapping[str, str], ec2: bool) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = _value(member, f"{prefix}{_wire_name(name, member, ec2)}", params, ec2)
        if value is not None:
            found[name] = value
    return found


def _wire_name(name: str, member: Any, ec2: bool) -> str:
    serialization = member.serialization
    if ec2:
        if "queryName" in serialization:
            return serialization["queryName"]
        wire = serialization.get("name", name)
        return wire[:1].upper() + wire[1:]
    if member.type_name == "list" and serialization.get("flattened"):
        return member.member.serialization.get("name", serialization.get("name", name))
    return serialization.get("name", name)


def _value(shape: Any, name: str, params: Mapping[str, str], ec2: bool) -> Any:
    read_as: dict[str, Callable[[], Any]] = {
        "structure": lambda: _structure(shape, f"{name}.", params, ec2) or None,
        "list": lambda: _list(shape, name, params, ec2),
        "map": lambda: _map(shape, name, params, ec2),
    }
    if shape.type_name in read_as:
        below = f"{name}."
        return read_as[shape.type_name]() if any(param.startswith(below) for param in params) else None
    text = params.get(name)
    if text is None:
        return None
    if shape.type_name == "boolean":
        return text.lower() == "true"
    if shape.type_name in ("integer", "long"):
        return int(text) if text.lstrip("-").isdigit() else text
    return text


def _numbers(prefix: str, params: Mapping[str, str]) -> list[int]:
    found = {param[len(prefix) :].split(".", 1)[0] for param in params if param.startswith(prefix)}
    return sorted(int(number) for number in found if number.isdigit())


def _list(shape: Any, name: str, params: Mapping[str, str], ec2: bool) -> list[Any]:
    prefix = f"{name}."
    if not ec2 and not shape.serialization.get("flattened"):
        prefix = f"{name}.{shape.member.serialization.get('name', 'member')}."
    values = [_value(shape.member, f"{prefix}{number}", params, ec2) for number in _numbers(prefix, params)]
    return [value for value in values if value is not None]


def _map(shape: Any, name: str, params: Mapping[str, str], ec2: bool) -> dict[str, Any]:
    prefix = f"{name}." if shape.serialization.get("flattened") else f"{name}.entry."
    key, value = (part.serialization.get("name", plain) for part, plain in ((shape.key, "key"), (shape.value, "value")))
    found = {}
    for number in _numbers(prefix, params):
        label = params.get(f"{prefix}{number}.{key}")
        if label is not None:
            found[label] = _value(shape.value, f"{prefix}{number}.{value}", params, ec2)
    return found


# --- REST: labels of the path, the query, headers, and a JSON body


@functools.cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], list[str], str]]:
    found = model(service)
    if found is None:
        return []
    routes = []
    for operation in found.operation_names:
        http = found.operation_model(operation).http
        pattern, labels, last = "", [], 0
        path = http["requestUri"].partition("?")[0].rstrip("/")
        for label in _LABEL.finditer(path):
            # The path is decoded already, so an ARN in it has slashes again.
            pattern += re.escape(path[last : label.start()]) + "(.+?)"
            labels.append(label[1])
            last = label.end()
        pattern += re.escape(path[last:])
        spelled_out = len(pattern) - len("(.+?)") * len(labels)
        routes.append((spelled_out, http["method"], re.compile(f"{pattern}/?"), labels, operation))
    # What spells out the most of the path is the route.
    return [route[1:] for route in sorted(routes, key=lambda route: -route[0])]


def _route(request: Request) -> tuple[str, dict[str, str]] | None:
    for method, pattern, labels, operation in _routes(request.service):
        found = pattern.fullmatch(request.path)
        if found and method == request.method:
            return operation, dict(zip(labels, map(unquote, found.groups()), strict=True))
    return None


def _rest(request: Request, shape: Any) -> dict[str, Any]:
    found = _route(request)
    labels = found[1] if found else {}
    body = _json(request.body)
    parameters = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri":
            value = labels.get(wire)
        elif location == "querystring":
            value = request.params.get(wire)
            value = _first(value) if member.type_name != "list" else value
        elif location == "header":
            value = request.headers.get(wire.lower())
        else:
            value = body.get(wire)
        if value not in (None, ""):
            parameters[name] = value
    return parameters
