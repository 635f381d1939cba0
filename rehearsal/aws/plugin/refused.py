"""What the engine would pass over in silence, refused.

Stack policies, macros, drift of types that it cannot read, snapshots, a second stack in place of one that was rolled
back. A rehearsal that ignores a request proves nothing about it; where AWS has no words for it, these are our own.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import drift, engine, handlers, helpers

from .order import is_custom

# "DeletionPolicy attribute": the types that can leave a snapshot, of those that the rehearsal plays.
_WITH_SNAPSHOT = {"AWS::EC2::Volume"}
_POLICIES = {
    "DeletionPolicy": {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"},
    "UpdateReplacePolicy": {"Delete", "Retain", "Snapshot"},
}
_PLAYED_TRANSFORMS = {"AWS::Include", "AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"}

_STACK_POLICY = ("StackPolicyBody", "StackPolicyURL", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL")

_check_statics = engine._validate_template_statics

Response = tuple[int, dict, bytes]


def install() -> None:
    """Wrap the operations, and the checks of every template."""
    global _check_statics
    _check_statics = engine._validate_template_statics
    engine._validate_template_statics = _validate_template_statics
    for action in ("CreateStack", "UpdateStack", "SetStackPolicy"):
        handlers._ACTION_HANDLERS[action] = _without_policy(handlers._ACTION_HANDLERS[action])
    handlers._ACTION_HANDLERS["CreateStack"] = _with_free_name(handlers._ACTION_HANDLERS["CreateStack"])
    for action in ("DetectStackDrift", "DetectStackResourceDrift"):
        handlers._ACTION_HANDLERS[action] = _readable_drift(handlers._ACTION_HANDLERS[action])


def _without_policy(handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    def check(params: dict) -> Response:
        if any(helpers._p(params, name) for name in _STACK_POLICY):
            return helpers._error("ValidationError", "the rehearsal does not play stack policies: it enforces none")
        return handle(params)

    return check


def _with_free_name(handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    """A stack that was rolled back keeps its name until it is deleted; MiniStack gives it away."""

    def check(params: dict) -> Response:
        name = helpers._p(params, "StackName")
        if (cloudformation._stacks.get(name) or {}).get("StackStatus") == "ROLLBACK_COMPLETE":
            return helpers._error("AlreadyExistsException", f"Stack [{name}] already exists")
        return handle(params)

    return check


def _readable_drift(handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    def check(params: dict) -> Response:
        stack = handlers._resolve_stack(helpers._p(params, "StackName")) or {}
        one = helpers._p(params, "LogicalResourceId")
        kinds = {r["ResourceType"] for n, r in (stack.get("_resources") or {}).items() if one in ("", n)}
        unread = sorted(kind for kind in kinds if not drift.supports_drift(kind) and not is_custom(kind))
        if unread:
            told = f"the rehearsal does not detect drift of {', '.join(unread)}"
            return helpers._error("ValidationError", told)
        return handle(params)

    return check


def _validate_template_statics(template: dict) -> None:
    for name in [*engine.declared_transforms(template), *embedded(template)]:
        if name not in _PLAYED_TRANSFORMS:
            raise ValueError(f"No transform named {name} found.")
    for logical_id, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and (why := policy_refusal(logical_id, resource)):
            raise ValueError(why)
    _check_statics(template)


def embedded(value: Any) -> list[str]:
    """The macros that parts of a template call with Fn::Transform."""
    if isinstance(value, list):
        return [name for item in value for name in embedded(item)]
    if not isinstance(value, dict):
        return []
    found = value.get("Fn::Transform")
    own = [str(found.get("Name"))] if isinstance(found, dict) else []
    return own + [name for item in value.values() for name in embedded(item)]


def policy_refusal(logical_id: str, resource: dict) -> str:
    """Why a resource cannot have its DeletionPolicy or UpdateReplacePolicy; empty if it can."""
    for attribute, known in _POLICIES.items():
        policy = resource.get(attribute)
        if not isinstance(policy, str):
            continue
        if policy not in known:
            return f"Template format error: Unrecognized {attribute} {policy} for resource {logical_id}"
        kind = str(resource.get("Type", ""))
        if policy == "Snapshot" and kind not in _WITH_SNAPSHOT:
            return f"Template error: resource type {kind} does not support deletion policy Snapshot"
    return ""
