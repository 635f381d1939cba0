"""ELB's query protocol, read and written by its own model.

A handler gets the request as the SDK's caller wrote it ({"Names": [...]}) and returns the answer as the SDK's caller
will read it.
"""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, ServiceModel
from ministack.services import alb

Function = Callable[[dict], dict]

_PAGE = 400


class Refusal(Exception):
    """ELB says no: an error code and its text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def answer(action: str, function: Function) -> None:
    """Let function answer an action."""

    def handle(params: dict) -> tuple:
        try:
            return _write(action, function(_request(action, params)))
        except Refusal as refused:
            return alb._error(refused.code, refused.message)

    alb._ACTION_MAP[action] = handle


def now() -> str:
    """The time as ELB writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def page(items: list[dict], request: dict) -> tuple[list[dict], str | None]:
    """The page of items that the request asks for, and the marker of the next one."""
    size, start = int(request.get("PageSize", _PAGE)), int(request.get("Marker") or 0)
    return items[start : start + size], str(start + size) if start + size < len(items) else None


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.Session().get_service_model("elbv2")


@functools.cache
def _operation(action: str) -> OperationModel:
    return _model().operation_model(action)


def _request(action: str, params: dict) -> dict:
    """The request's parameters ("Names.member.1") as the operation's input."""
    tree: dict[str, Any] = {}
    for name, values in params.items():
        node: Any = tree
        *path, last = name.split(".")
        for part in path:
            node = node.setdefault(part, {}) if isinstance(node, dict) else {}
        node[last] = values[0] if isinstance(values, list) else values
    shape = _operation(action).input_shape
    request = _read(shape, tree) if shape else {}
    for required in shape.required_members if shape else []:
        if required not in request:
            raise Refusal("ValidationError", f"{required} is required")
    return request


def _read(shape: Any, node: Any) -> Any:
    if shape.type_name == "structure":
        return {n: _read(m, node[n]) for n, m in shape.members.items() if isinstance(node, dict) and n in node}
    if shape.type_name == "list":
        members = node.get("member", {}) if isinstance(node, dict) else {}
        indexed = {int(index): item for index, item in members.items() if index.isdigit()}
        return [_read(shape.member, indexed[index]) for index in sorted(indexed)]
    if shape.type_name == "boolean":
        return str(node).lower() == "true"
    if shape.type_name in ("integer", "long"):
        try:
            return int(node)
        except ValueError as problem:
            raise Refusal("ValidationError", f"Value ({node}) is no number") from problem
    return node


def _write(action: str, content: dict) -> tuple:
    shape = _operation(action).output_shape
    return alb._xml(200, action, _members(shape, content) if shape else "")


def _members(shape: Any, content: dict) -> str:
    return "".join(
        f"<{name}>{_written(member, content[name])}</{name}>"
        for name, member in shape.members.items()
        if content.get(name) is not None
    )


def _written(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return _members(shape, value)
    if shape.type_name == "list":
        return "".join(f"<member>{_written(shape.member, item)}</member>" for item in value)
    if shape.type_name == "boolean":
        return str(value).lower()
    return escape(str(value))
