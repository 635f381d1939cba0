"""Intrinsic functions and pseudo parameters that depend on the region: its zones, its partition.

MiniStack answers the zones a, b and c and the partition aws wherever a stack is.
"""

from typing import Any

from ministack.core.responses import get_region
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from . import zones

_resolve = engine._resolve_refs


def install() -> None:
    """Wrap the resolution of references; within itself it calls itself by name, so nested ones come here too."""
    engine._resolve_refs = _resolve_refs
    stacks._resolve_refs = _resolve_refs
    handlers._resolve_refs = _resolve_refs
    changesets._resolve_refs = _resolve_refs


def partition() -> str:
    """AWS::Partition of the request's region."""
    region = get_region()
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def url_suffix() -> str:
    """AWS::URLSuffix of the request's region."""
    return "amazonaws.com.cn" if get_region().startswith("cn-") else "amazonaws.com"


def _pseudo_parameters() -> dict[str, str]:
    return {"AWS::Partition": partition(), "AWS::URLSuffix": url_suffix()}


def _resolve_refs(value: Any, *context: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref" and argument in _pseudo_parameters():
            return _pseudo_parameters()[argument]
        if name == "Fn::Sub" and isinstance(argument, str):
            value = {name: [argument, _pseudo_parameters()]}
        elif name == "Fn::Sub" and isinstance(argument, list) and len(argument) == 2:
            value = {name: [argument[0], {**_pseudo_parameters(), **argument[1]}]}
        elif name == "Fn::GetAZs":
            return _zones(_resolve_refs(argument, *context))
    return _resolve(value, *context)


def _zones(region: Any) -> list[str]:
    """The zones of the stack's region, sorted, without local ones; none for another region, as an account answers.

    On AWS they are only those with a default subnet, where the account has any default subnets.
    """
    if region and str(region) != get_region():
        return []
    return sorted(zone.name for zone in zones.of_region().values() if zone.kind == "availability-zone")
