"""What CloudFormation refuses in a template before it makes anything, and MiniStack finds out late or never."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import engine, handlers

_CUSTOM = "Custom::"
_CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
_CUSTOM_NAME = re.compile(r"Custom::[A-Za-z0-9_@-]{1,60}")

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html
_LONGEST_TIMEOUT = 3600

_check_statics = engine._validate_template_statics
_has_no_updates = handlers._stack_has_no_updates


class _Refused(ValueError):
    """UpdateStack answers with this as a ValidationError."""


def install() -> None:
    """Wrap the checks of every template, and those of an update."""
    engine._validate_template_statics = _validate_template_statics
    handlers._stack_has_no_updates = _stack_has_no_updates
    handlers._ACTION_HANDLERS["UpdateStack"] = _update_stack(handlers._ACTION_HANDLERS["UpdateStack"])


def _validate_template_statics(template: dict) -> None:
    for logical_id, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and (why := custom_refusal(resource)):
            raise ValueError(f"Template error: resource {logical_id} is invalid: {why}")
    _check_statics(template)


def custom_refusal(resource: dict) -> str:
    """Why CloudFormation does not take this custom resource; empty if it does, or if it is none."""
    kind = resource.get("Type", "")
    if kind.startswith(_CUSTOM):
        if not _CUSTOM_NAME.fullmatch(kind):
            return f"the type name {kind} is not {_CUSTOM} and up to 60 characters of A-Z a-z 0-9 _ @ -"
    elif kind != _CUSTOM_RESOURCE:
        return ""
    properties = resource.get("Properties") or {}
    if not isinstance(properties, dict) or "Fn::Transform" in properties:
        return ""
    if not properties.get("ServiceToken"):
        return "the required property ServiceToken is missing"
    seconds = properties.get("ServiceTimeout")
    if isinstance(seconds, int | str) and not (
        str(seconds).isdigit() and 1 <= int(seconds) <= _LONGEST_TIMEOUT
    ):
        return f"ServiceTimeout {seconds} is not an integer from 1 to {_LONGEST_TIMEOUT}"
    return ""


def _stack_has_no_updates(stack: dict, template: dict, *more: Any) -> bool:
    before = (stack.get("_template") or {}).get("Resources") or {}
    after = template.get("Resources") or {}
    changed = [name for name in before.keys() & after.keys() if before[name].get("Type") != after[name].get("Type")]
    if changed:
        raise _Refused(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(sorted(changed))}]"
        )
    return _has_no_updates(stack, template, *more)


def _update_stack(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        try:
            return answer(params)
        except _Refused as refused:
            return handlers._error("ValidationError", str(refused))

    return handle
