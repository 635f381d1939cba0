"""EC2's events on the account's default bus: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-state-changes.html."""

import json
import logging

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

_logger = logging.getLogger("rehearsal.compute")


def of_state(instance: dict) -> None:
    """EC2 Instance State-change Notification."""
    state = instance["State"]["Name"]
    send(instance["InstanceId"], "EC2 Instance State-change Notification", {"state": state})


def send(instance_id: str, kind: str, details: dict) -> None:
    """An event of EC2 about one instance."""
    _put("aws.ec2", kind, {"instance-id": instance_id, **details}, [_arn(instance_id)])


def health(instance_id: str, code: str) -> None:
    """AWS Health's event on a scheduled change of an instance."""
    details = {
        "service": "EC2",
        "eventTypeCode": code,
        "eventTypeCategory": "scheduledChange",
        "affectedEntities": [{"entityValue": instance_id}],
    }
    _put("aws.health", "AWS Health Event", details, [_arn(instance_id)])


def _arn(instance_id: str) -> str:
    return f"arn:aws:ec2:{get_region()}:{get_account_id()}:instance/{instance_id}"


def _put(source: str, kind: str, details: dict, resources: list[str]) -> None:
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(details), "Resources": resources}
    try:
        # PutEvents refuses sources of AWS from callers, as on AWS.
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        _logger.exception("%s was not delivered", kind)
