"""AWS::Logs::LogGroup: a group that is there already is not taken over, and one without a name gets CloudFormation's.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
"""

from typing import Any

from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import provisioners

from . import resources
from .resources import Properties

_TYPE = "AWS::Logs::LogGroup"
_LONGEST = 512


def install() -> None:
    """Refuse to create a log group twice; name those that have no name after their stack."""
    resources.before_create(_TYPE, _is_new)
    handler = provisioners._RESOURCE_HANDLERS[_TYPE]
    create, update = handler["create"], handler["update"]

    def create_named(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        return create(logical_id, _named(properties, stack_name, logical_id), stack_name)

    def update_named(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None, *rest: Any
    ) -> tuple[str, dict]:
        named = _named(new, stack_name, logical_id or physical_id)
        return update(physical_id, old, named, stack_name, logical_id, *rest)

    handler["create"], handler["update"] = create_named, update_named


def _named(properties: Properties, stack_name: str, logical_id: str) -> Properties:
    name = provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST)
    return {"LogGroupName": name, **properties}


def _is_new(properties: Properties) -> None:
    name = properties.get("LogGroupName")
    if name in cloudwatch_logs._log_groups:
        raise RuntimeError(
            f"Resource of type 'AWS::Logs::LogGroup' with identifier "
            f'\'{{"/properties/LogGroupName":"{name}"}}\' already exists.'
        )
