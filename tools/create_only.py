"""Print which properties CloudFormation cannot change in place, as JSON: {type: ["Path.To.Property", ...]}.

Arguments are resource types. The source is the resource schemas that cfn-lint brings along (createOnlyProperties).
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import json
import sys

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

# Create-only by the schema, and yet "Update requires: No interruption" by the type's page.
IN_PLACE = {("AWS::EC2::SubnetRouteTableAssociation", "RouteTableId")}


def create_only(resource_type: str) -> list[str]:
    """The paths of the properties that a resource of the type has for life."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    paths = (path.removeprefix("/properties/").replace("/", ".") for path in schema.get("createOnlyProperties", []))
    return sorted(path for path in paths if (resource_type, path) not in IN_PLACE)


if __name__ == "__main__":
    json.dump({kind: create_only(kind) for kind in sorted(sys.argv[1:])}, sys.stdout, indent=1)
    print()
