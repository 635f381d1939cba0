"""Tags that a request gives to what it makes."""

from ministack.services import ec2

from .wire import Refusal

_RESERVED = "aws:"


def of_request(request: dict, kind: str) -> list[dict[str, str]]:
    """The tags for resources of a kind ("instance") in a request's TagSpecifications."""
    tags = [
        {"Key": str(tag["Key"]), "Value": str(tag.get("Value", ""))}
        for specification in request.get("TagSpecifications") or []
        if specification.get("ResourceType") == kind
        for tag in specification.get("Tags") or []
    ]
    for tag in tags:
        if tag["Key"].lower().startswith(_RESERVED):
            text = f"Tag keys starting with '{_RESERVED}' are reserved for internal use"
            raise Refusal("InvalidParameterValue", text)
    return tags


def merged(*lists: list[dict[str, str]]) -> list[dict[str, str]]:
    """Lists of tags as one; a later value of a key wins."""
    values = {tag["Key"]: tag["Value"] for tags in lists for tag in tags}
    return [{"Key": key, "Value": value} for key, value in values.items()]


def put(resource_id: str, tags: list[dict[str, str]]) -> None:
    """Give a new resource its tags."""
    if tags:
        ec2._tags[resource_id] = [dict(tag) for tag in tags]


def value(resource_id: str, key: str) -> str | None:
    """The value of a resource's tag."""
    return next((tag["Value"] for tag in ec2._tags.get(resource_id, []) if tag["Key"] == key), None)
