"""Target groups and their targets: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/.

Nothing flows through a load balancer here, so a target of a group in use is healthy as soon as it is registered.
"""

import ipaddress
import random

from ministack.core.responses import get_account_id, get_region
from ministack.services import alb, ec2

from . import users
from .wire import Refusal, answer, page

_LONGEST_NAME = 32
_WEB = ("HTTP", "HTTPS")
_OTHER = ("TCP", "TLS", "UDP", "TCP_UDP")

_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "300",
    "stickiness.enabled": "false",
}
_WEB_ATTRIBUTES = {
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "slow_start.duration_seconds": "0",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
}
_OTHER_ATTRIBUTES = {
    "stickiness.type": "source_ip",
    "proxy_protocol_v2.enabled": "false",
    "preserve_client_ip.enabled": "true",
    "deregistration_delay.connection_termination.enabled": "false",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
}


def install() -> None:
    """Answer the actions on target groups and targets."""
    answer("CreateTargetGroup", _create)
    answer("DescribeTargetGroups", _describe)
    answer("DeleteTargetGroup", _delete)
    answer("RegisterTargets", _register)
    answer("DeregisterTargets", _deregister)
    answer("DescribeTargetHealth", _health)


def known(arn: str) -> dict:
    """The target group's record."""
    group = alb._tgs.get(arn)
    if group is None:
        raise Refusal("TargetGroupNotFound", f"Target groups '{arn}' not found")
    return group


def _create(request: dict) -> dict:
    name, protocol = request["Name"], request.get("Protocol", "HTTP")
    if len(name) > _LONGEST_NAME:
        text = f"The target group name '{name}' cannot be longer than '{_LONGEST_NAME}' characters"
        raise Refusal("ValidationError", text)
    if protocol not in _WEB + _OTHER:
        raise Refusal("ValidationError", f"Target group protocol '{protocol}' is not supported")
    kind, vpc = request.get("TargetType", "instance"), request.get("VpcId", "")
    if kind != "lambda":
        if "Port" not in request:
            raise Refusal("ValidationError", "A port must be specified")
        if vpc not in ec2._vpcs:
            raise Refusal("ValidationError", f"The VPC ID '{vpc}' is not found")
    web = protocol in _WEB
    group = {
        "TargetGroupName": name,
        "Protocol": protocol,
        "Port": request.get("Port", 80),
        "VpcId": vpc,
        "HealthCheckProtocol": request.get("HealthCheckProtocol", "HTTP" if web else "TCP"),
        "HealthCheckPort": request.get("HealthCheckPort", "traffic-port"),
        "HealthCheckEnabled": request.get("HealthCheckEnabled", True),
        "HealthCheckIntervalSeconds": request.get("HealthCheckIntervalSeconds", 30),
        "HealthCheckTimeoutSeconds": request.get("HealthCheckTimeoutSeconds", 5 if web else 10),
        "HealthyThresholdCount": request.get("HealthyThresholdCount", 5),
        "UnhealthyThresholdCount": request.get("UnhealthyThresholdCount", 2),
        "HealthCheckPath": request.get("HealthCheckPath", "/"),
        "Matcher": request.get("Matcher", {"HttpCode": "200"}),
        "TargetType": kind,
        "IpAddressType": request.get("IpAddressType", "ipv4"),
        "LoadBalancerArns": [],
    }
    if web:
        group["ProtocolVersion"] = request.get("ProtocolVersion", "HTTP1")
    for other in alb._tgs.values():
        if other["TargetGroupName"] == name:
            if all(other.get(key) == value for key, value in group.items() if key != "LoadBalancerArns"):
                return {"TargetGroups": [_view(other)]}
            text = f"A target group with the same name '{name}' exists, but with different settings"
            raise Refusal("DuplicateTargetGroupName", text)
    where = f"arn:aws:elasticloadbalancing:{get_region()}:{get_account_id()}:targetgroup"
    arn = f"{where}/{name}/{random.getrandbits(64):016x}"
    alb._tgs[arn] = {"TargetGroupArn": arn, **group}
    alb._targets[arn] = []
    alb._tags[arn] = request.get("Tags", [])
    attributes = _ATTRIBUTES | (_WEB_ATTRIBUTES if web else _OTHER_ATTRIBUTES)
    if kind == "ip" and protocol in ("TCP", "TLS"):
        attributes["preserve_client_ip.enabled"] = "false"
    alb._tg_attrs[arn] = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return {"TargetGroups": [_view(alb._tgs[arn])]}


def _view(group: dict) -> dict:
    view = {**group, "LoadBalancerArns": users.balancers_of(group["TargetGroupArn"])}
    if group["HealthCheckProtocol"] not in _WEB:
        view.pop("HealthCheckPath", None)
        view.pop("Matcher", None)
    return view


def _describe(request: dict) -> dict:
    arns, names, balancer = request.get("TargetGroupArns"), request.get("Names"), request.get("LoadBalancerArn")
    views = [_view(known(arn)) for arn in arns] if arns else [_view(group) for group in alb._tgs.values()]
    if names:
        views = [view for view in views if view["TargetGroupName"] in names]
        if not views:
            raise Refusal("TargetGroupNotFound", "One or more target groups not found")
    if balancer:
        views = [view for view in views if balancer in view["LoadBalancerArns"]]
    items, marker = page(views, request)
    return {"TargetGroups": items, "NextMarker": marker}


def _delete(request: dict) -> dict:
    arn = request["TargetGroupArn"]
    if users.listeners_of(arn) or users.rules_of(arn):
        raise Refusal("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    for store in (alb._tgs, alb._targets, alb._tg_attrs, alb._tags):
        store.pop(arn, None)
    return {}


# --- targets


def _key(target: dict, group: dict) -> tuple[str, int]:
    return target["Id"], int(target.get("Port", group["Port"]))


def _register(request: dict) -> dict:
    group = known(request["TargetGroupArn"])
    for target in request["Targets"]:
        _check(target, group)
    registered = alb._targets.setdefault(group["TargetGroupArn"], [])
    taken = {_key(target, group) for target in registered}
    for target in request["Targets"]:
        if _key(target, group) not in taken:
            registered.append({**target, "Port": _key(target, group)[1]})
            taken.add(_key(target, group))
    return {}


def _check(target: dict, group: dict) -> None:
    name = target["Id"]
    if group["TargetType"] == "instance":
        instance = ec2._instances.get(name)
        if instance is None:
            raise Refusal("InvalidTarget", f"The following targets are not valid instances: '{name}'")
        if instance.get("State", {}).get("Name") not in ("pending", "running"):
            text = f"The following targets are not in a running state and cannot be registered: '{name}'"
            raise Refusal("InvalidTarget", text)
        if instance.get("VpcId") != group["VpcId"]:
            text = f"The following targets are not in the target group VPC '{group['VpcId']}': '{name}'"
            raise Refusal("InvalidTarget", text)
    if group["TargetType"] == "ip" and target.get("AvailabilityZone") != "all":
        try:
            address = ipaddress.IPv4Address(name)
        except ValueError as problem:
            raise Refusal("ValidationError", f"The IP address '{name}' is not a valid IPv4 address") from problem
        vpc = ec2._vpcs.get(group["VpcId"]) or {}
        blocks = [vpc.get("CidrBlock", "0.0.0.0/32")]
        blocks += [a["CidrBlock"] for a in vpc.get("CidrBlockAssociationSet") or [] if a.get("CidrBlock")]
        if not any(address in ipaddress.IPv4Network(block) for block in blocks):
            text = f"The IP address '{name}' is outside the VPC '{group['VpcId']}': AvailabilityZone must be 'all'"
            raise Refusal("ValidationError", text)


def _deregister(request: dict) -> dict:
    group = known(request["TargetGroupArn"])
    arn, gone = group["TargetGroupArn"], request["Targets"]
    exact = {_key(target, group) for target in gone if "Port" in target}
    whole = {target["Id"] for target in gone if "Port" not in target}
    kept = [t for t in alb._targets.get(arn, []) if _key(t, group) not in exact and t["Id"] not in whole]
    alb._targets[arn] = kept
    return {}


def _health(request: dict) -> dict:
    group = known(request["TargetGroupArn"])
    arn = group["TargetGroupArn"]
    wanted = {target["Id"] for target in request.get("Targets", [])}
    if users.balancers_of(arn):
        health = {"State": "healthy"}
    else:
        text = "Target group is not configured to receive traffic from the load balancer"
        health = {"State": "unused", "Reason": "Target.NotInUse", "Description": text}
    found = [
        {"Target": target, "HealthCheckPort": str(target["Port"]), "TargetHealth": health}
        for target in alb._targets.get(arn, [])
        if not wanted or target["Id"] in wanted
    ]
    return {"TargetHealthDescriptions": found}
