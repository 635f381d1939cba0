"""AWS::Logs::LogGroup: a group that is there already is not taken over."""

from ministack.services import cloudwatch_logs

from . import resources
from .resources import Properties


def install() -> None:
    """Refuse to create a log group twice."""
    resources.before_create("AWS::Logs::LogGroup", _is_new)


def _is_new(properties: Properties) -> None:
    name = properties.get("LogGroupName")
    if name in cloudwatch_logs._log_groups:
        raise RuntimeError(
            f"Resource of type 'AWS::Logs::LogGroup' with identifier "
            f'\'{{"/properties/LogGroupName":"{name}"}}\' already exists.'
        )
