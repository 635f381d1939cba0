"""Resources whose Create failed after something may have been made: they are deleted in the rollback.

MiniStack forgets a resource whose Create failed. CloudFormation keeps it as CREATE_FAILED, with its physical id,
and deletes it with the others; when that delete fails, the stack ends ROLLBACK_FAILED.
"""

from ministack.core.responses import now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks

from .resources import Properties

_FAILED = "CREATE_FAILED"

_roll_back = stacks._roll_back_operation


def install() -> None:
    """Wrap the engine's rollback."""
    stacks._roll_back_operation = _roll_back_with_half_made
    handlers._roll_back_operation = _roll_back_with_half_made


def remember(stack_name: str, logical_id: str, resource_type: str, physical_id: str, properties: Properties) -> None:
    """Keep a resource whose Create failed in its stack, so that a rollback or a DeleteStack deletes it."""
    stack = cloudformation._stacks.get(stack_name)
    if stack is None:
        return
    stack["_resources"][logical_id] = {
        "PhysicalResourceId": physical_id,
        "ResourceType": resource_type,
        "ResourceStatus": _FAILED,
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": now_iso(),
    }


async def _roll_back_with_half_made(
    stack_name: str, stack_id: str, stack: dict, operation: dict, reason_override: str = ""
) -> None:
    failed = operation.get("failed_logical_id")
    record = stack.get("_resources", {}).get(failed) if failed else None
    if record and record["ResourceStatus"] == _FAILED and failed not in operation["created"]:
        # Last made, so first deleted.
        operation = {**operation, "created": [*operation["created"], failed]}
    if failed and not operation["is_update"] and not reason_override:
        reason_override = f"The following resource(s) failed to create: [{failed}]. Rollback requested by user."
    await _roll_back(stack_name, stack_id, stack, operation, reason_override)
    if stack["StackStatus"] == "ROLLBACK_FAILED":
        _keep_what_was_not_deleted(stack)


def _keep_what_was_not_deleted(stack: dict) -> None:
    """What a rollback could not delete stays in the stack, so that DeleteStack tries again."""
    for logical_id, failed in stack.get("_rollback_failed", {}).items():
        stack["_resources"][logical_id] = {
            **failed,
            "LogicalResourceId": logical_id,
            "ResourceStatus": "DELETE_FAILED",
            "Attributes": {},
            "Timestamp": now_iso(),
        }
