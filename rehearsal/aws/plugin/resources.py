"""How a CloudFormation type is added to, or changed in, MiniStack's engine.

A handler has three functions, MiniStack's own interface:
create(logical_id, properties, stack_name) -> (physical id, attributes for Fn::GetAtt),
update(physical_id, old_properties, new_properties, stack_name, logical_id) -> the same,
delete(physical_id, properties). A refusal is an exception; its text becomes the event's reason.
They run on worker threads, so that they may call the public API.
"""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

Properties = dict[str, Any]
Create = Callable[[str, Properties, str], tuple[str, dict]]
Update = Callable[[str, Properties, Properties, str, str], tuple[str, dict]]
Delete = Callable[[str, Properties], None]


def install() -> None:
    """Let every type's handler run on a worker thread, where it may call the public API."""
    stacks._runs_on_worker_thread = lambda resource_type: True


def add(
    resource_type: str,
    *,
    create: Create,
    update: Update | None = None,
    delete: Delete,
    replaced_by: tuple[str, ...] = (),
    tags: str | None = None,
) -> None:
    """Add a type that MiniStack lacks.

    replaced_by: the properties that AWS documents with "Update requires: Replacement".
    tags: "list" or "map" if its Tags property takes the stack's tags in that shape.
    """
    if resource_type in provisioners._RESOURCE_HANDLERS:
        raise RuntimeError(f"MiniStack now has {resource_type}: drop ours")
    replace(resource_type, create=create, update=update, delete=delete, replaced_by=replaced_by, tags=tags)


def replace(
    resource_type: str,
    *,
    create: Create,
    update: Update | None = None,
    delete: Delete,
    replaced_by: tuple[str, ...] = (),
    tags: str | None = None,
) -> None:
    """Put our handler in place of MiniStack's; the arguments are those of add."""
    handler: dict[str, Any] = {"create": create, "delete": delete}
    if update is not None:
        handler |= {"update": update, "update_with_logical_id": True}
    provisioners._RESOURCE_HANDLERS[resource_type] = handler
    provisioners._REPLACING_PROPERTIES[resource_type] = replaced_by
    if tags:
        provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", tags)


def after_create(resource_type: str, then: Callable[[str, Properties], dict | None]) -> None:
    """After MiniStack's create call then(physical id, properties); what it returns is added to the attributes.

    If then fails, what was created is deleted again, since the engine knows nothing of it yet.
    """
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler["create"]

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        physical_id, attributes = original(logical_id, properties, stack_name)
        try:
            more = then(physical_id, properties) or {}
        except Exception:
            handler["delete"](physical_id, properties)
            raise
        return physical_id, {**attributes, **more}

    handler["create"] = create


def after_update(resource_type: str, then: Callable[[str, Properties, Properties], dict | None]) -> None:
    """After MiniStack's in-place update call then(physical id, old, new properties); adds to the attributes."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler["update"]

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> tuple[str, dict]:
        same_id, attributes = original(physical_id, old, new, *rest)
        return same_id, {**attributes, **(then(same_id, old, new) or {})}

    handler["update"] = update


def before_create(resource_type: str, check: Callable[[Properties], None]) -> None:
    """Before MiniStack's create call check(properties), which refuses by an exception."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler["create"]

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        check(properties)
        return original(logical_id, properties, stack_name)

    handler["create"] = create


def before_update(resource_type: str, check: Callable[[Properties], None]) -> None:
    """Before an in-place update call check(new properties), which refuses by an exception."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler.get("update")
    if original is None:
        return

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> tuple[str, dict]:
        check(new)
        return original(physical_id, old, new, *rest)

    handler["update"] = update


def before_delete(resource_type: str, check: Callable[[str, Properties], None]) -> None:
    """Before MiniStack's delete call check(physical id, properties), which refuses by an exception."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler["delete"]

    def delete(physical_id: str, properties: Properties, *rest: Any) -> None:
        check(physical_id, properties)
        original(physical_id, properties, *rest)

    handler["delete"] = delete


def tag_list(properties: Properties) -> list[dict[str, str]]:
    """The Tags property as EC2 and IAM take it: [{"Key": ..., "Value": ...}], values as text."""
    return [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in properties.get("Tags") or []]


def tag_map(properties: Properties) -> dict[str, str]:
    """The Tags property, a list of keys and values or a map, as EKS and Lambda take it."""
    tags = properties.get("Tags") or {}
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    return {tag["Key"]: str(tag["Value"]) for tag in tags}


def truth(value: Any) -> bool:
    """A template's boolean, which may have become text on its way."""
    return str(value).lower() == "true"
