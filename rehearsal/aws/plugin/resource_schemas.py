"""CloudFormation's resource schemas, as the registry publishes them and cfn-lint brings them along.

They tell what a type's handlers may call ("handlers"), which changed property makes a new resource
("createOnlyProperties") and how the type is tagged. cfn-lint takes a second to import: only who asks pays for it.
"""

import functools
from typing import Any

from ministack.core.responses import get_region

# Where a region has no schemas of its own in cfn-lint (it has those of the commercial ones), these are asked.
_FALLBACK_REGION = "us-east-1"


def schema(resource_type: str) -> dict[str, Any]:
    """The schema of a type in the request's region; empty for custom resources and types that AWS does not publish."""
    if not resource_type.startswith("AWS::"):
        return {}
    return _schema(resource_type, get_region())


def permissions(resource_type: str, handler: str) -> list[str]:
    """The actions that the handler ("create", "read", "update", "delete") may call."""
    return schema(resource_type).get("handlers", {}).get(handler, {}).get("permissions") or []


def create_only(resource_type: str) -> list[tuple[str, ...]]:
    """The paths of the properties that a resource has for life, such as ("AccessConfig", "Bootstrap...")."""
    found = schema(resource_type).get("createOnlyProperties") or []
    return [tuple(path.removeprefix("/properties/").split("/")) for path in found]


def tagging(resource_type: str) -> dict[str, Any]:
    """The schema's section on tags: "taggable", "cloudFormationSystemTags", "permissions" and so on."""
    return schema(resource_type).get("tagging") or {}


@functools.cache
def _schema(resource_type: str, region: str) -> dict[str, Any]:
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    for where in (region, _FALLBACK_REGION):
        try:
            return PROVIDER_SCHEMA_MANAGER.get_resource_schema(where, resource_type).schema
        except (ResourceNotFoundError, KeyError):
            continue
    return {}
