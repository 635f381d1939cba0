"""Planted faults, by tags: what AWS may do to anybody at any time, asked for in a test.

On a subnet, rehearsal.e6data.com/no-capacity: instance types ("m7g.* c7g.large"; spot/m7g.* for spot alone, and
on-demand/...) of which its zone has none.
On an instance, rehearsal.e6data.com/fault: SpotInterruption (the two-minute warning, then the end, on spot only),
RebalanceRecommendation, ScheduledChange (a retirement that AWS Health tells of) or Impaired (a failed status check).
The tags are put by CreateTags; real AWS ignores them.
"""

import contextvars
import fnmatch
import threading
from collections.abc import Callable

from ministack.services import ec2

from . import events, tagging
from .wire import now

NO_CAPACITY, FAULT = "rehearsal.e6data.com/no-capacity", "rehearsal.e6data.com/fault"
# Two minutes on AWS: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html.
NOTICE_SECONDS = 20.0


def install() -> None:
    """Look at the tags that are put on instances."""
    ec2._ACTION_MAP["CreateTags"] = _watched(ec2._ACTION_MAP["CreateTags"])


def no_capacity(subnet_id: str, instance_type: str, spot: bool) -> bool:
    """Whether a fault says that the subnet's zone has none of the type."""
    market = "spot" if spot else "on-demand"
    for pattern in (tagging.value(subnet_id, NO_CAPACITY) or "").split():
        asked, _, name = pattern.rpartition("/")
        if asked in ("", market) and fnmatch.fnmatchcase(instance_type, name):
            return True
    return False


def _watched(create_tags: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        faults = {tag["Value"] for tag in ec2._parse_tags(params) if tag["Key"] == FAULT}
        unknown = faults - _PLAYED.keys()
        if unknown:
            text = f"The rehearsal plays no fault {unknown.pop()}, but {', '.join(sorted(_PLAYED))}"
            return ec2._error("InvalidParameterValue", text, 400)
        answer = create_tags(params)
        for resource_id in ec2._parse_member_list(params, "ResourceId"):
            instance = ec2._instances.get(resource_id)
            if instance and answer[0] == 200:
                for fault in faults:
                    _later(0, _PLAYED[fault], instance)
        return answer

    return handle


def _later(seconds: float, function: Callable[[dict], None], instance: dict) -> None:
    timer = threading.Timer(seconds, contextvars.copy_context().run, (function, instance))
    timer.daemon = True
    timer.start()


def _spot_interruption(instance: dict) -> None:
    if instance.get("InstanceLifecycle") != "spot":
        return
    kind = "EC2 Spot Instance Interruption Warning"
    events.send(instance["InstanceId"], kind, {"instance-action": "terminate"})
    _later(NOTICE_SECONDS, _reclaim, instance)


def _reclaim(instance: dict) -> None:
    from . import instances  # it makes instances by way of this module's capacity

    instances.end([instance["InstanceId"]], "Server.SpotInstanceTermination")


def _rebalance(instance: dict) -> None:
    events.send(instance["InstanceId"], "EC2 Instance Rebalance Recommendation", {})


def _scheduled_change(instance: dict) -> None:
    instance["_events"] = [
        {
            "Code": "instance-retirement",
            "Description": "The instance is running on degraded hardware",
            "InstanceEventId": f"instance-event-{instance['InstanceId'][2:]}",
            "NotBefore": now(),
        }
    ]
    events.health(instance["InstanceId"], "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED")


def _impaired(instance: dict) -> None:
    instance["_impaired_since"] = now()


_PLAYED: dict[str, Callable[[dict], None]] = {
    "Impaired": _impaired,
    "RebalanceRecommendation": _rebalance,
    "ScheduledChange": _scheduled_change,
    "SpotInterruption": _spot_interruption,
}
