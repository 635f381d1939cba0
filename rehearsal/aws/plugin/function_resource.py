"""AWS::Lambda::Function by the public API: MiniStack's own handler drops the VPC, the key and the concurrency."""

import time
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from . import resources
from .api import api
from .resources import Properties, tag_map

_READY_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LONGEST_NAME = 64

_AS_THEY_ARE = (
    "Architectures",
    "DeadLetterConfig",
    "Description",
    "Environment",
    "FileSystemConfigs",
    "Handler",
    "ImageConfig",
    "Layers",
    "LoggingConfig",
    "Role",
    "Runtime",
    "SnapStart",
    "TracingConfig",
)
_NUMBERS = ("MemorySize", "Timeout")
_OTHERS = {
    "Code",
    "EphemeralStorage",
    "FunctionName",
    "KmsKeyArn",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Tags",
    "VpcConfig",
}

# What UpdateFunctionConfiguration sets when a template no longer has the property.
_DEFAULTS: dict[str, Any] = {
    "DeadLetterConfig": {},
    "Description": "",
    "Environment": {"Variables": {}},
    "FileSystemConfigs": [],
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}


def install() -> None:
    """Put the handler in place of MiniStack's."""
    resources.replace(
        "AWS::Lambda::Function",
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=("FunctionName", "PackageType", "TenancyConfig"),
        tags="list",
    )


def _configuration(properties: Properties) -> dict[str, Any]:
    unknown = properties.keys() - {*_AS_THEY_ARE, *_NUMBERS, *_OTHERS}
    if unknown:
        raise RuntimeError(f"the rehearsal does not play these properties of a function: {sorted(unknown)}")
    wanted: dict[str, Any] = {name: properties[name] for name in _AS_THEY_ARE if name in properties}
    wanted |= {name: int(properties[name]) for name in _NUMBERS if name in properties}
    if "Environment" in wanted:
        variables = (wanted["Environment"] or {}).get("Variables") or {}
        wanted["Environment"] = {"Variables": {name: text(value) for name, value in variables.items()}}
    if "EphemeralStorage" in properties:
        wanted["EphemeralStorage"] = {"Size": int(properties["EphemeralStorage"]["Size"])}
    if "KmsKeyArn" in properties:
        wanted["KMSKeyArn"] = properties["KmsKeyArn"]
    if "VpcConfig" in properties:
        vpc = properties["VpcConfig"]
        wanted["VpcConfig"] = {key: vpc[key] for key in ("SubnetIds", "SecurityGroupIds") if key in vpc}
    return wanted


def text(value: Any) -> str:
    """A scalar of a template as CloudFormation writes it into an environment variable."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    if "ZipFile" in code:
        handler, runtime = properties.get("Handler", "index.handler"), properties.get("Runtime", "")
        return {"ZipFile": provisioners._zip_inline(code["ZipFile"], handler, runtime)}
    return {name: code[name] for name in ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri") if code.get(name)}


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    name = properties.get("FunctionName") or provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST_NAME)
    more = {"PackageType": properties["PackageType"]} if properties.get("PackageType") else {}
    made = api("lambda").create_function(
        FunctionName=name,
        Code=_code(properties),
        Tags=tag_map(properties),
        **_configuration(properties),
        **more,
    )
    try:
        _wait(name)
        _reserve(name, properties)
    except Exception:
        api("lambda").delete_function(FunctionName=name)
        raise
    return name, {"Arn": made["FunctionArn"]}


def _wait(name: str) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        config = api("lambda").get_function_configuration(FunctionName=name)
        if config["State"] == "Active" and config["LastUpdateStatus"] == "Successful":
            return
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"function {name} did not become active in {_READY_SECONDS:.0f} s")


def _reserve(name: str, properties: Properties) -> None:
    if "ReservedConcurrentExecutions" in properties:
        api("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=int(properties["ReservedConcurrentExecutions"])
        )


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> tuple[str, dict]:
    arn = lambda_svc._functions[physical_id]["config"]["FunctionArn"]
    if old.get("Code") != new.get("Code") or old.get("Architectures") != new.get("Architectures"):
        architectures = {"Architectures": new["Architectures"]} if new.get("Architectures") else {}
        api("lambda").update_function_code(FunctionName=physical_id, **_code(new), **architectures)
        _wait(physical_id)
    before, after = _configuration(old), _configuration(new)
    changes = {name: value for name, value in after.items() if before.get(name) != value}
    changes |= {name: _DEFAULTS[name] for name in before.keys() - after.keys() if name in _DEFAULTS}
    changes.pop("Architectures", None)
    if changes:
        api("lambda").update_function_configuration(FunctionName=physical_id, **changes)
        _wait(physical_id)
    _reserve(physical_id, new)
    if "ReservedConcurrentExecutions" in old and "ReservedConcurrentExecutions" not in new:
        api("lambda").delete_function_concurrency(FunctionName=physical_id)
    gone = tag_map(old).keys() - tag_map(new).keys()
    if gone:
        api("lambda").untag_resource(Resource=arn, TagKeys=sorted(gone))
    if tag_map(new):
        api("lambda").tag_resource(Resource=arn, Tags=tag_map(new))
    return physical_id, {"Arn": arn}


def _delete(physical_id: str, properties: Properties) -> None:
    if physical_id in lambda_svc._functions:
        # DeleteFunction ends the function's processes too.
        api("lambda").delete_function(FunctionName=physical_id)
