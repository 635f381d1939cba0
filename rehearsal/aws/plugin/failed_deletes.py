"""When a resource cannot be deleted, what it depends on stays too, and the stack's next delete goes on from there.

MiniStack goes on with all others. CloudFormation deletes a resource only after those that depend on it: a custom
resource that fails to go keeps its function.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html ("retains all resources
that failed to delete, and retains dependencies of those resources").
"""

from collections.abc import Iterable

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks

_delete_stack = stacks._delete_stack_async

# Resources that stay, by stack and logical id, while the stack is being deleted.
_kept: dict[str, dict[str, dict]] = {}


def install() -> None:
    """Wrap the engine's delete and its events."""
    stacks._delete_stack_async = _delete
    handlers._delete_stack_async = _delete
    tell = stacks._add_event

    def watched(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str, *more: object, **named: object
    ) -> None:
        tell(stack_id, stack_name, logical_id, resource_type, status, *more, **named)
        if status == "DELETE_FAILED" and stack_id in _kept:
            _keep(stack_id, stack_name, logical_id)

    stacks._add_event = watched


async def _delete(stack_name: str, stack_id: str, retain_resources: Iterable[str] = (), force: bool = False) -> None:
    if force:  # MiniStack retains the dependencies itself
        await _delete_stack(stack_name, stack_id, retain_resources, force=force)
        return
    _kept[stack_id] = {}
    try:
        await _delete_stack(stack_name, stack_id, retain_resources)
    finally:
        kept = _kept.pop(stack_id)
        stack = cloudformation._stacks.get(stack_name)
        if kept and stack:
            stack["_resources"].update(kept)


def _keep(stack_id: str, stack_name: str, logical_id: str) -> None:
    """Take what a resource depends on out of the engine's sight until the delete is over."""
    stack = cloudformation._stacks.get(stack_name) or {}
    resources, declared = stack.get("_resources", {}), (stack.get("_template") or {}).get("Resources", {})
    if logical_id not in resources:
        return
    for name in stacks._with_dependencies([logical_id], declared, set(resources)) - {logical_id}:
        _kept[stack_id][name] = resources.pop(name)
