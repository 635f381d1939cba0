"""What CloudFormation refuses in a template before it makes anything, and MiniStack finds out late or never."""

import re
from collections.abc import Callable
from typing import Any

import yaml
from ministack.services import cloudformation, ec2
from ministack.services.cloudformation import changesets, engine, handlers, stacks

_CUSTOM = "Custom::"
_CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
_CUSTOM_NAME = re.compile(r"Custom::[A-Za-z0-9_@-]{1,60}")

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html
_LONGEST_TIMEOUT = 3600

_check_statics = engine._validate_template_statics
_has_no_updates = handlers._stack_has_no_updates
_resolve_parameters = engine._resolve_parameters
_resolve_outputs = stacks._resolve_stack_outputs
# Taken here, before another order is installed: it raises ValueError for a circle.
_sort = engine._topological_sort


class _Refused(ValueError):
    """UpdateStack answers with this as a ValidationError."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """MiniStack's loader on libyaml's parser: a template takes a seventh of the time, and each operation reads one."""


_Loader.yaml_constructors = engine.CfnLoader.yaml_constructors


def install() -> None:
    """Wrap the checks of every template, of its parameters, of an update and of exports."""
    global _resolve_outputs
    # Others wrap it as well, and came before.
    _resolve_outputs = stacks._resolve_stack_outputs
    engine.CfnLoader = _Loader
    handlers._resolve_parameters = _resolve_given
    changesets._resolve_parameters = _resolve_given
    stacks._resolve_stack_outputs = _resolve_new_exports
    engine._validate_template_statics = _validate_template_statics
    handlers._stack_has_no_updates = _stack_has_no_updates
    handlers._ACTION_HANDLERS["UpdateStack"] = _update_stack(handlers._ACTION_HANDLERS["UpdateStack"])


def _validate_template_statics(template: dict) -> None:
    resources = template.get("Resources") or {}
    for logical_id, resource in resources.items():
        if not logical_id.isalnum():
            raise ValueError(f"Template format error: Resource name {logical_id} is non alphanumeric.")
        if isinstance(resource, dict) and (why := custom_refusal(resource)):
            raise ValueError(f"Template error: resource {logical_id} is invalid: {why}")
    for section in ("Resources", "Outputs"):
        if missing := unresolved(template, section):
            raise ValueError(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] in the {section} "
                "block of the template"
            )
    _check_statics(template)
    # A circle counts even where a condition would break it.
    _sort(resources, {})


def unresolved(template: dict, section: str) -> list[str]:
    """What a section refers to and the template has not."""
    known = {*(template.get("Resources") or {}), *(template.get("Parameters") or {})}
    wanted: set[str] = set()
    for part in (template.get(section) or {}).values():
        if not isinstance(part, dict):
            continue
        wanted |= {name for name, _ in engine._intrinsic_references(part) if not name.startswith("AWS::")}
        needs = part.get("DependsOn", [])
        wanted |= set(needs if isinstance(needs, list) else [needs])
    return sorted(wanted - known)


def _resolve_given(template: dict, given: list[dict], previous: dict | None = None) -> dict:
    known = template.get("Parameters") or {}
    names = [one["Key"] for one in given if "Key" in one]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := [name for name, one in known.items() if "Default" not in one and name not in names]:
        raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
    for one in given:
        _check_listed(known.get(one.get("Key"), {}), one)
    resolved = _resolve_parameters(template, given, previous)
    _check_networks(known, resolved)
    return resolved


def _check_networks(declared: dict, resolved: dict) -> None:
    """A value of an AWS-specific type must exist in the account; of these types our templates have the VPC's.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    """
    for name, one in declared.items():
        value = resolved.get(name, {}).get("Value")
        if one.get("Type") == "AWS::EC2::VPC::Id" and value not in ec2._vpcs:
            raise ValueError(
                f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
            )


def _check_listed(declared: dict, one: dict) -> None:
    """A value that is not among AllowedValues is refused by the ConstraintDescription, as every other constraint.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    allowed = [str(value) for value in declared.get("AllowedValues") or []]
    if allowed and not one.get("UsePreviousValue") and str(one.get("Value", "")) not in allowed:
        raise engine._constraint_error(one["Key"], declared, "must be one of AllowedValues")


def _resolve_new_exports(*arguments: Any) -> tuple:
    """An export's name is its stack's own, in the account and region."""
    outputs, exports = _resolve_outputs(*arguments)
    for name, export in exports.items():
        owner = (cloudformation._exports.get(name) or {}).get("StackId", export["StackId"])
        if owner != export["StackId"]:
            raise ValueError(f"Export with name {name} is already exported by stack {owner.split('/')[1]}.")
    return outputs, exports


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
    if isinstance(seconds, int | str) and not (str(seconds).isdigit() and 1 <= int(seconds) <= _LONGEST_TIMEOUT):
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
