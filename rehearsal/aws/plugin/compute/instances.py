"""Instances: RunInstances, their life, and what describes them.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html. A state lasts a fraction of a second
here. Whoever must know of a change (events, the clusters' nodes) asks by watch().
"""

import contextvars
import logging
import random
import re
import threading
import time
from collections.abc import Callable

from ministack.core.responses import get_account_id
from ministack.services import ec2

from . import disk_keys, disks, interfaces, launching, subnets
from .selection import page, select
from .wire import Refusal, answer

# On AWS both take some 10 to 60 seconds.
_PENDING_SECONDS, _SHUTTING_DOWN_SECONDS = 0.2, 0.3
# "the instance remains visible in the console for a short while", about an hour.
_VISIBLE_SECONDS = 3600.0
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")

_FILTERS = {
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "dns-name": "PublicDnsName",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-lifecycle": "InstanceLifecycle",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups.GroupId",
    "instance.group-name": "SecurityGroups.GroupName",
    "ip-address": "PublicIpAddress",
    "network-interface.network-interface-id": "NetworkInterfaces.NetworkInterfaceId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}
_STATUS_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "event.code": "Events.Code",
    "instance-state-name": "InstanceState.Name",
    "instance-status.reachability": "InstanceStatus.Details.Status",
    "instance-status.status": "InstanceStatus.Status",
    "system-status.reachability": "SystemStatus.Details.Status",
    "system-status.status": "SystemStatus.Status",
}

_logger = logging.getLogger("rehearsal.compute")

Watcher = Callable[[dict], None]
_watchers: list[Watcher] = []
_lock = threading.RLock()


def install() -> None:
    """Answer the actions."""
    interfaces.install()
    subnets.install()
    answer("RunInstances", _run)
    answer("TerminateInstances", _terminate)
    answer("StopInstances", _stop)
    answer("StartInstances", _start)
    answer("DescribeInstances", _describe)
    answer("DescribeInstanceStatus", _describe_status)


def watch(watcher: Watcher) -> None:
    """Call watcher with the instance's record, on a thread, after each change of state."""
    _watchers.append(watcher)


def launch(plan: launching.Plan, count: int = 1) -> list[dict]:
    """Make instances after a plan; they are pending, and running soon. All or none.

    If the caller may not use the key of their disks they end instead.
    """
    with _lock:
        made: list[dict] = []
        try:
            for index in range(count):
                made.append(launching.make(plan, index))
        except Refusal:
            for instance in made:
                _remove(instance)
            raise
    trouble = disk_keys.trouble(plan.disks)
    for instance in made:
        later(0, _announce, instance)
        if trouble:
            later(_PENDING_SECONDS, _fail, instance, trouble)
        else:
            later(_PENDING_SECONDS, _turn, instance, "running", ("pending",))
    return made


def living() -> list[dict]:
    """The instances of the request's account and region that are pending or running."""
    return [i for i in ec2._instances.values() if i["State"]["Name"] in ("pending", "running")]


def end(instance_ids: list[str], reason: str = "User initiated") -> list[dict]:
    """Terminate; returns EC2's changes of state."""
    changes = []
    with _lock:
        for instance in [_known(i) for i in instance_ids]:
            before = dict(instance["State"])
            if before["Name"] not in ("shutting-down", "terminated"):
                _set(instance, "shutting-down", reason)
                later(0, _announce, instance)
                later(_SHUTTING_DOWN_SECONDS, _finish, instance)
            state = {"CurrentState": dict(instance["State"]), "PreviousState": before}
            changes.append({"InstanceId": instance["InstanceId"], **state})
    return changes


# --- states


def _set(instance: dict, state: str, reason: str = "") -> None:
    # The record is shared with MiniStack: a state is replaced, never changed.
    instance["State"] = {"Code": _CODES[state], "Name": state}
    if reason:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S GMT", time.gmtime())
        instance["StateTransitionReason"] = f"{reason} ({stamp})"
        instance["StateReason"] = {
            "Code": "Client.UserInitiatedShutdown" if reason.startswith("User") else "Server.SpotInstanceTermination",
            "Message": f"Client.UserInitiatedShutdown: {reason} shutdown" if reason.startswith("User") else reason,
        }


def later(seconds: float, function: Callable[..., None], *arguments: object) -> None:
    """Call function on a thread, in the request's account and region."""
    timer = threading.Timer(seconds, contextvars.copy_context().run, (function, *arguments))
    timer.daemon = True
    timer.start()


def _announce(instance: dict) -> None:
    for watcher in _watchers:
        try:
            watcher(instance)
        except Exception:
            _logger.exception("instance %s, %s", instance["InstanceId"], instance["State"]["Name"])


def _turn(instance: dict, state: str, only_from: tuple[str, ...]) -> None:
    with _lock:
        if instance["State"]["Name"] not in only_from:
            return
        _set(instance, state)
    _announce(instance)


def _fail(instance: dict, code: str) -> None:
    with _lock:
        _set(instance, "shutting-down")
        what = (
            "Client error on launch" if code == disk_keys.NO_RIGHT else "The KMS key provided is in an incorrect state"
        )
        instance["StateReason"] = {"Code": code, "Message": f"{code}: {what}"}
    _announce(instance)
    later(_SHUTTING_DOWN_SECONDS, _finish, instance)


def _finish(instance: dict) -> None:
    with _lock:
        _set(instance, "terminated")
        instance["_terminated_at"] = time.time()
        interfaces.release(instance["InstanceId"])
        disks.release(instance["InstanceId"])
        association = ec2._find_active_iam_instance_profile_association(instance["InstanceId"])
        if association:
            ec2._mark_iam_instance_profile_association_disassociated(association)
        for member in ("SubnetId", "VpcId", "PrivateIpAddress", "IamInstanceProfile"):
            instance["_was_" + member] = instance.pop(member, None)
        instance["SecurityGroups"], instance["BlockDeviceMappings"] = [], []
        instance["PrivateDnsName"] = instance["PublicDnsName"] = instance["PublicIpAddress"] = ""
    _announce(instance)


def _remove(instance: dict) -> None:
    """Undo a launch of which another instance failed."""
    interfaces.release(instance["InstanceId"])
    disks.release(instance["InstanceId"])
    ec2._instances.pop(instance["InstanceId"], None)
    ec2._tags.pop(instance["InstanceId"], None)


# --- the actions


def _known(instance_id: str) -> dict:
    if not _ID.fullmatch(instance_id):
        raise Refusal("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
    instance = ec2._instances.get(instance_id)
    if instance is None:
        raise Refusal("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    return instance


def _run(request: dict) -> dict:
    fewest, most = request.get("MinCount", 0), request.get("MaxCount", 0)
    if not 1 <= fewest <= most:
        text = f"Value ({fewest}) for parameter minCount is invalid. It must be at least 1 and not exceed maxCount"
        raise Refusal("InvalidParameterValue", text)
    plan = launching.check(launching.with_template(request))
    count = most
    if fewest <= subnets.free(plan.subnet) < most:
        count = subnets.free(plan.subnet)
    made = launch(plan, count)
    return {
        "ReservationId": f"r-0{random.getrandbits(64):016x}",
        "OwnerId": get_account_id(),
        "Groups": [],
        "Instances": [_view(instance) for instance in made],
    }


def _terminate(request: dict) -> dict:
    wanted = [_known(i) for i in request.get("InstanceIds", [])]
    for instance in wanted:
        if instance.get("DisableApiTermination"):
            text = (
                f"The instance '{instance['InstanceId']}' may not be terminated. Modify its 'disableApiTermination' "
                "instance attribute and try again."
            )
            raise Refusal("OperationNotPermitted", text)
    return {"TerminatingInstances": end([i["InstanceId"] for i in wanted])}


def _stop(request: dict) -> dict:
    return {"StoppingInstances": _change(request, "running", "stopping", "stopped")}


def _start(request: dict) -> dict:
    return {"StartingInstances": _change(request, "stopped", "pending", "running")}


def _change(request: dict, needed: str, through: str, to: str) -> list[dict]:
    wanted = [_known(i) for i in request.get("InstanceIds", [])]
    changes = []
    with _lock:
        for instance in wanted:
            state = instance["State"]["Name"]
            if state not in (needed, through, to):
                text = f"The instance '{instance['InstanceId']}' is not in a state from which it can be {to}."
                raise Refusal("IncorrectInstanceState", text)
            before = dict(instance["State"])
            if state == needed:
                _set(instance, through)
                later(0, _announce, instance)
                later(_PENDING_SECONDS, _turn, instance, to, (through,))
            state = {"CurrentState": dict(instance["State"]), "PreviousState": before}
            changes.append({"InstanceId": instance["InstanceId"], **state})
    return changes


def _view(instance: dict) -> dict:
    """The record as DescribeInstances answers it, with what hangs on the instance now."""
    instance_id = instance["InstanceId"]
    attached = [
        interface
        for interface in ec2._network_interfaces.values()
        if (interface.get("Attachment") or {}).get("InstanceId") == instance_id
    ]
    volumes = [
        {
            "DeviceName": attachment["Device"],
            "Ebs": {
                "VolumeId": attachment["VolumeId"],
                "Status": attachment["State"],
                "AttachTime": attachment["AttachTime"],
                "DeleteOnTermination": attachment["DeleteOnTermination"],
            },
        }
        for volume in ec2._volumes.values()
        for attachment in volume.get("Attachments", [])
        if attachment["InstanceId"] == instance_id
    ]
    return {
        **instance,
        "NetworkInterfaces": [_interface_view(interface) for interface in attached],
        "BlockDeviceMappings": volumes,
        "Tags": ec2._tags.get(instance_id, []),
    }


def _interface_view(interface: dict) -> dict:
    address = {"PrivateIpAddress": interface["PrivateIpAddress"], "Primary": True}
    address["PrivateDnsName"] = interface.get("PrivateDnsName", "")
    return {**interface, "PrivateIpAddresses": [address]}


def _forget_old() -> None:
    for instance in ec2._instances.values():
        if time.time() - instance.get("_terminated_at", time.time()) > _VISIBLE_SECONDS:
            ec2._instances.pop(instance["InstanceId"], None)
            ec2._tags.pop(instance["InstanceId"], None)


def _chosen(request: dict) -> list[dict]:
    wanted = request.get("InstanceIds") or []
    if wanted and "MaxResults" in request:
        text = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise Refusal("InvalidParameterCombination", text)
    missing = [i for i in wanted if _ID.fullmatch(i) and i not in ec2._instances]
    if len(missing) > 1:
        raise Refusal("InvalidInstanceID.NotFound", f"The instance IDs '{', '.join(missing)}' do not exist")
    return [_known(i) for i in wanted] if wanted else ec2._instances.values()


def _describe(request: dict) -> dict:
    _forget_old()
    views = select([_view(instance) for instance in _chosen(request)], request, _FILTERS)
    found, token = page(views, request, 5, 1000)
    reservations = [
        {
            "ReservationId": f"r-{view['InstanceId'][2:]}",
            "OwnerId": get_account_id(),
            "Groups": [],
            "Instances": [view],
        }
        for view in found
    ]
    return {"Reservations": reservations, "NextToken": token}


def _describe_status(request: dict) -> dict:
    every = request.get("IncludeAllInstances", False)
    chosen = [i for i in _chosen(request) if every or i["State"]["Name"] == "running"]
    found, token = page(select([_status(i) for i in chosen], request, _STATUS_FILTERS), request, 5, 1000)
    return {"InstanceStatuses": found, "NextToken": token}


def _status(instance: dict) -> dict:
    running = instance["State"]["Name"] == "running"
    impaired = running and instance.get("_impaired_since")
    verdict = ("impaired", "failed") if impaired else ("ok", "passed") if running else ("not-applicable", "")
    details = [{"Name": "reachability", "Status": verdict[1], "ImpairedSince": instance.get("_impaired_since")}]
    return {
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "Events": instance.get("_events", []),
        "InstanceId": instance["InstanceId"],
        "InstanceState": instance["State"],
        "InstanceStatus": {"Status": verdict[0], "Details": details if running else []},
        "SystemStatus": {
            "Status": "ok" if running else "not-applicable",
            "Details": [{"Name": "reachability", "Status": "passed"}] if running else [],
        },
    }
