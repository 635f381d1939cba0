"""Which change makes a new resource: that of a property which the resource schema calls create-only.

MiniStack has tables of its own, which lack some types and properties. A new resource under a name that the template
fixes is refused, as AWS refuses it.
"""

from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from . import resource_schemas
from .resources import Properties

_replacing_change = provisioners._replacing_change
_property_recreation = provisioners._property_recreation

# Names that a template may fix, of types that have other create-only properties, besides those in MiniStack's table.
_NAMES: dict[str, str | tuple[str, ...]] = {
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::EKS::AccessEntry": ("PrincipalArn", "ClusterName"),
    "AWS::EKS::Addon": ("AddonName", "ClusterName"),
    "AWS::EKS::Nodegroup": "NodegroupName",
}

# Create-only by the schema, and yet "Update requires: No interruption" by the type's page, which is how it behaves.
_IN_PLACE = {("AWS::EC2::SubnetRouteTableAssociation", "RouteTableId")}


def install() -> None:
    """Put the schemas in place of MiniStack's tables, for updates and for change sets."""
    for resource_type, name in _NAMES.items():
        provisioners._CUSTOM_NAME_REPLACEMENT.setdefault(resource_type, {"name": name})
    provisioners._replacing_change = replaces
    provisioners._property_recreation = _recreation
    stacks._replacing_change = replaces
    stacks._property_recreation = _recreation


def replaces(resource_type: str, old: Properties, new: Properties) -> bool:
    """Whether going from old to new properties takes a new resource."""
    if old == new:
        return False
    if not resource_schemas.schema(resource_type):
        return _replacing_change(resource_type, old, new)
    if _tenancy_replaces(resource_type, old, new):
        return True
    return any(_at(old, path) != _at(new, path) for path in _paths(resource_type))


def _paths(resource_type: str) -> list[tuple[str, ...]]:
    found = resource_schemas.create_only(resource_type)
    return [path for path in found if (resource_type, path[0]) not in _IN_PLACE]


def _tenancy_replaces(resource_type: str, old: Properties, new: Properties) -> bool:
    """AWS::EC2::VPC, InstanceTenancy: "from dedicated to default" needs no interruption, the other way a new VPC."""
    before, after = (properties.get("InstanceTenancy", "default") for properties in (old, new))
    return resource_type == "AWS::EC2::VPC" and before == "default" and after != before


def _at(properties: Properties, path: tuple[str, ...]) -> Any:
    value: Any = properties
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _recreation(resource_type: str, name: str) -> str:
    """A change set's RequiresRecreation of a changed property: Always, Conditionally or Never."""
    found = resource_schemas.schema(resource_type)
    if not found:
        return _property_recreation(resource_type, name)
    paths = _paths(resource_type)
    if (name,) in paths:
        return "Always"
    conditional = f"/properties/{name}" in (found.get("conditionalCreateOnlyProperties") or [])
    return "Conditionally" if conditional or any(path[0] == name for path in paths) else "Never"
