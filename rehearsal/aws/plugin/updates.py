"""What an update of a stack does, and says: nothing of what does not change, creation of what is new, clean-up last.

MiniStack gives every resource of the template the events of an update, a new one too, and none to what it deletes in
the end. AWS, as "Understand update behaviors of stack resources" and the events of any stack show:
- a resource without a change has no event and keeps its status; one that is new is CREATE_IN_PROGRESS, CREATE_COMPLETE;
- when all is updated the stack is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, and only now what was replaced or left out is
  deleted; so a rollback finds the old resources;
- that holds for nested stacks too: they clean up when the whole, from the root on, is updated.
"""

import contextvars
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks

STACK = "AWS::CloudFormation::Stack"
UPDATING, CLEANING_UP, UPDATED = "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"

# Where a nested stack keeps what its update has still to delete, and what it was before.
UNFINISHED = "_unfinished_update"

_add_event = stacks._add_event
_deploy_stack = stacks._deploy_stack_async
_resolve_outputs = stacks._resolve_stack_outputs
_update = stacks._update_resource
_delete = stacks._delete_resource
_roll_back = stacks._roll_back_operation

# The nested stacks that the update which runs has updated; None outside of an update.
_children: contextvars.ContextVar[list[dict] | None] = contextvars.ContextVar("rehearsal_updated_stacks", default=None)

# By stack id and logical id, while a resource's turn lasts: the record that it had, None for a new one.
_turns: dict[tuple[str, str], dict | None] = {}
# Those of them whose first event was not told yet.
_silent: set[tuple[str, str]] = set()


def install() -> None:
    """Wrap the engine's events, its updates and deletes of resources, and its deployment; last of all wrappers."""
    global _resolve_outputs, _update, _delete, _deploy_stack, _roll_back
    _resolve_outputs, _update, _delete = stacks._resolve_stack_outputs, stacks._update_resource, stacks._delete_resource
    _deploy_stack, _roll_back = stacks._deploy_stack_async, stacks._roll_back_operation
    stacks._add_event = _tell
    stacks._resolve_stack_outputs = _resolve_and_clean_up
    stacks._update_resource = _update_and_tell
    stacks._delete_resource = _delete_and_tell
    stacks._deploy_stack_async = _deploy
    handlers._deploy_stack_async = _deploy
    changesets._deploy_stack_async = _deploy
    stacks._roll_back_operation = _roll_back_with_children
    handlers._roll_back_operation = _roll_back_with_children


# --- events


def _tell(
    stack_id: str,
    stack_name: str,
    logical_id: str,
    resource_type: str,
    status: str,
    reason: str = "",
    physical_id: str = "",
    detailed_status: str = "",
) -> None:
    """MiniStack's events of an update, as AWS would tell them."""
    if logical_id == stack_name:
        if status == UPDATED and _children.get() is not None:
            return  # told by _deploy, after the clean-up
        _add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)
        return
    stack = cloudformation._stacks.get(stack_name) or {}
    turn = (stack_id, logical_id)
    if stack.get("StackStatus") == UPDATING:
        if status == UPDATING and turn not in _turns:
            _turns[turn] = stack.get("_resources", {}).get(logical_id)
            _silent.add(turn)
            if _turns[turn] is not None:
                return  # told by _update_and_tell if the resource does change
            status = "CREATE_IN_PROGRESS"
        status = _own_status(stack, turn, status)
        if not status:
            return
    if not status.startswith(("CREATE", "UPDATE")) or not status.endswith("IN_PROGRESS"):
        _turns.pop(turn, None)
    _silent.discard(turn)
    _add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)


def _own_status(stack: dict, turn: tuple[str, str], status: str) -> str:
    """The status to tell, and to keep in the record; empty where AWS tells none."""
    if turn not in _turns:
        return status
    before, record = _turns[turn], stack.get("_resources", {}).get(turn[1])
    if before is None:
        status = status.replace("UPDATE_", "CREATE_")
        if record is not None and status == "CREATE_COMPLETE":
            record["ResourceStatus"] = status
    elif status == UPDATED and turn in _silent:
        _turns.pop(turn)
        _silent.discard(turn)
        if record is not None:
            record |= {key: before[key] for key in ("ResourceStatus", "Timestamp") if key in before}
        return ""
    return status


def _update_and_tell(
    resource_type: str,
    physical_id: str,
    old: dict,
    new: dict,
    stack_name: str,
    logical_id: str | None = None,
    attributes: dict | None = None,
) -> tuple:
    stack = cloudformation._stacks.get(stack_name) or {}
    turn = (stack.get("StackId", ""), logical_id or "")
    # A nested stack is looked into at each update.
    if (old != new or resource_type == STACK) and turn in _silent:
        _silent.discard(turn)
        _add_event(turn[0], stack_name, turn[1], resource_type, UPDATING, physical_id=physical_id)
    return _update(resource_type, physical_id, old, new, stack_name, logical_id, attributes)


# --- clean-up


def _resolve_and_clean_up(
    definitions: dict, conditions: dict, resources: dict, values: dict, mappings: dict, stack_name: str, stack_id: str
) -> tuple:
    """The outputs are the last that can fail in an update; what follows is its clean-up."""
    found = _resolve_outputs(definitions, conditions, resources, values, mappings, stack_name, stack_id)
    stack = cloudformation._stacks.get(stack_name) or {}
    if stack.get("StackStatus") == UPDATING:
        stack["StackStatus"] = CLEANING_UP
        _add_event(stack_id, stack_name, stack_name, STACK, CLEANING_UP, physical_id=stack_id)
    return found


def _delete_and_tell(
    resource_type: str, physical_id: str, properties: dict, stack_name: str | None = None, logical_id: str | None = None
) -> None:
    stack = cloudformation._stacks.get(stack_name or "") or {}
    if stack.get("StackStatus") != CLEANING_UP:
        _delete(resource_type, physical_id, properties, stack_name, logical_id)
        return
    if UNFINISHED in stack:
        stack[UNFINISHED]["deletes"].append((resource_type, physical_id, properties, stack_name, logical_id))
        return
    told = (stack["StackId"], stack_name, logical_id, resource_type)
    _add_event(*told, "DELETE_IN_PROGRESS", physical_id=physical_id)
    _delete(resource_type, physical_id, properties, stack_name, logical_id)
    _add_event(*told, "DELETE_COMPLETE", physical_id=physical_id)


async def _deploy(stack_name: str, stack_id: str, *arguments: Any, **more: Any) -> None:
    if not more.get("is_update"):
        await _deploy_stack(stack_name, stack_id, *arguments, **more)
        return
    stack = cloudformation._stacks[stack_name]
    above = _children.get()
    children: list[dict] = [] if above is None else above
    token = _children.set(children)
    try:
        await _deploy_stack(stack_name, stack_id, *arguments, **more)
    finally:
        _children.reset(token)
    if stack["StackStatus"] != UPDATED:
        return
    # Nobody has seen that status: the engine sets it last, and nothing else ran since.
    if above is not None:
        stack["StackStatus"] = CLEANING_UP
        children.append(stack)
        return
    waiting = [child for child in children if UNFINISHED in child]
    if waiting:
        stack["StackStatus"] = CLEANING_UP
        await run_reentrant(_finish, waiting)
        stack["StackStatus"] = UPDATED
    _add_event(stack_id, stack_name, stack_name, STACK, UPDATED, physical_id=stack_id)


def _finish(children: list[dict]) -> None:
    """Delete what nested stacks no longer need, and end their updates."""
    for child in children:
        for resource_type, physical_id, properties, stack_name, logical_id in child.pop(UNFINISHED)["deletes"]:
            try:
                _delete_and_tell(resource_type, physical_id, properties, stack_name, logical_id)
            except Exception as problem:
                # As on AWS, a clean-up that fails does not fail the update.
                told = (child["StackId"], stack_name, logical_id, resource_type)
                _add_event(*told, "DELETE_FAILED", str(problem), physical_id)
        child["StackStatus"] = UPDATED
        name, stack_id = child["StackName"], child["StackId"]
        _add_event(stack_id, name, name, STACK, UPDATED, physical_id=stack_id)


# --- rollback


async def _roll_back_with_children(
    stack_name: str, stack_id: str, stack: dict, operation: dict, reason_override: str = ""
) -> None:
    """Nested stacks that were updated before something failed go back first: they still have all that they had."""
    waiting = [c for c in cloudformation._stacks.values() if c.get("ParentId") == stack_id and UNFINISHED in c]
    for child in reversed(waiting):
        await _undo(child)
    await _roll_back(stack_name, stack_id, stack, operation, reason_override)


async def _undo(child: dict) -> None:
    before = child.pop(UNFINISHED)["before"]
    template, name = child["_template"], child["StackName"]
    had, has = before["_resources"], child["_resources"]
    changed = [
        logical_id
        for logical_id in stacks._topological_sort(template["Resources"], child["_conditions"])
        if logical_id in has and _differs(had.get(logical_id), has[logical_id])
    ]
    operation = stacks._failed_operation(
        True,
        before,
        changed,
        None,
        None,
        [],
        False,
        template,
        child["_resolved_params"],
        False,
        child["Tags"],
        before["Tags"],
    )
    await stacks._roll_back_operation(name, child["StackId"], child, operation, "The parent stack is rolled back.")


def _differs(before: dict | None, after: dict) -> bool:
    return before is None or any(before.get(key) != after.get(key) for key in ("PhysicalResourceId", "Properties"))
