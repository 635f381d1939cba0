"""Load balancers: what AWS refuses, their names, and their network interfaces.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html. The interfaces are
called "ELB app/NAME/ID" and managed by ELB: nobody else can delete them
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html).
"""

import random
import re
from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import alb, ec2

from .. import network, resources, service_linked_roles
from ..authorization.load_balancing import SERVICE
from ..compute import interfaces, subnets
from ..compute.wire import Refusal as EC2Refusal
from .wire import Refusal, answer, now, page

_LONGEST_NAME = 32
_FREE_ADDRESSES = 8
_NAME = re.compile(r"^(?!internal-)(?!-)[A-Za-z0-9-]+(?<!-)$")
_SHORT = {"application": "app", "network": "net", "gateway": "gwy"}

# Of the table "Elastic Load Balancing endpoints and quotas", application and network:
# https://docs.aws.amazon.com/general/latest/gr/elb.html
_HOSTED_ZONES = {
    "us-east-1": ("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    "us-east-2": ("Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
    "us-west-1": ("Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
    "us-west-2": ("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
}

_ATTRIBUTES = {
    "application": {
        "access_logs.s3.enabled": "false",
        "access_logs.s3.bucket": "",
        "access_logs.s3.prefix": "",
        "connection_logs.s3.enabled": "false",
        "deletion_protection.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http2.enabled": "true",
    },
    "network": {
        "access_logs.s3.enabled": "false",
        "access_logs.s3.bucket": "",
        "access_logs.s3.prefix": "",
        "deletion_protection.enabled": "false",
        "load_balancing.cross_zone.enabled": "false",
    },
}


def install() -> None:
    """Answer the actions on load balancers; a gateway that a public one needs is not detached."""
    answer("CreateLoadBalancer", _create)
    answer("DescribeLoadBalancers", _describe)
    answer("DeleteLoadBalancer", _delete)
    answer("SetSubnets", _set_subnets)
    answer("SetSecurityGroups", _set_security_groups)
    ec2._ACTION_MAP["DetachInternetGateway"] = _detach(ec2._ACTION_MAP["DetachInternetGateway"])
    resources.before_delete("AWS::EC2::VPCGatewayAttachment", lambda _, new: _gateway_is_free(str(new.get("VpcId"))))


def known(arn: str) -> dict:
    """The load balancer's record."""
    balancer = alb._lbs.get(arn)
    if balancer is None:
        raise Refusal("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
    return balancer


def attribute(arn: str, key: str) -> str | None:
    """The value of a load balancer's attribute."""
    return next((a["Value"] for a in alb._lb_attrs.get(arn, []) if a["Key"] == key), None)


def _create(request: dict) -> dict:
    name, kind = request["Name"], request.get("Type", "application")
    scheme = request.get("Scheme", "internet-facing")
    _check_name(name)
    wanted = [m["SubnetId"] for m in request.get("SubnetMappings", [])] or request.get("Subnets", [])
    placed = _check_subnets(wanted, kind, scheme)
    groups = _check_groups(request.get("SecurityGroups", []), placed[0], kind)
    for other in alb._lbs.values():
        if other["LoadBalancerName"] == name:
            if (other["Type"], other["Scheme"], set(other["Subnets"])) == (kind, scheme, set(wanted)):
                return {"LoadBalancers": [_view(other)]}
            text = f"A load balancer with the same name '{name}' exists, but with different settings"
            raise Refusal("DuplicateLoadBalancerName", text)
    service_linked_roles.ensure(SERVICE)
    lid = f"{random.getrandbits(64):016x}"
    arn = f"arn:aws:elasticloadbalancing:{get_region()}:{get_account_id()}:loadbalancer/{_SHORT[kind]}/{name}/{lid}"
    balancer = {
        "LoadBalancerArn": arn,
        "LoadBalancerName": name,
        "DNSName": _dns_name(name, lid, kind, scheme),
        "Scheme": scheme,
        "VpcId": placed[0]["VpcId"],
        "State": "active",
        "Type": kind,
        "Subnets": [subnet["SubnetId"] for subnet in placed],
        "SecurityGroups": groups,
        "IpAddressType": request.get("IpAddressType", "ipv4"),
        "CreatedTime": now(),
    }
    alb._lbs[arn] = balancer
    alb._tags[arn] = request.get("Tags", [])
    alb._lb_attrs[arn] = [{"Key": k, "Value": v} for k, v in _ATTRIBUTES.get(kind, {}).items()]
    _place(balancer)
    return {"LoadBalancers": [{**_view(balancer), "State": {"Code": "provisioning"}}]}


def _dns_name(name: str, lid: str, kind: str, scheme: str) -> str:
    if kind == "application":
        start = "internal-" if scheme == "internal" else ""
        return f"{start}{name}-{int(lid[:8], 16)}.{get_region()}.elb.amazonaws.com"
    return f"{name}-{lid}.elb.{get_region()}.amazonaws.com"


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        text = f"The load balancer name '{name}' cannot be longer than '{_LONGEST_NAME}' characters"
        raise Refusal("ValidationError", text)
    if not _NAME.match(name):
        allowed = "characters that are alphanumeric characters and hyphens(-)"
        raise Refusal("ValidationError", f"The load balancer name '{name}' can only contain {allowed}")


def _check_subnets(wanted: list[str], kind: str, scheme: str) -> list[dict]:
    placed = []
    for subnet_id in wanted:
        subnet = ec2._subnets.get(subnet_id)
        if subnet is None:
            raise Refusal("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
        placed.append(subnet)
    zones = {subnet["AvailabilityZone"] for subnet in placed}
    if not placed:
        raise Refusal("ValidationError", "At least one subnet must be specified")
    if len({subnet["VpcId"] for subnet in placed}) > 1:
        raise Refusal("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    if len(zones) < len(placed):
        text = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise Refusal("InvalidConfigurationRequest", text)
    if kind == "application" and len(zones) < 2:
        raise Refusal("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    vpc = placed[0]["VpcId"]
    if scheme == "internet-facing" and not network.attached_gateways(vpc):
        raise Refusal("InvalidSubnet", f"VPC {vpc} has no internet gateway")
    for subnet in placed:
        if subnets.free(subnet) < _FREE_ADDRESSES:
            text = (
                f"Not enough IP space available in {subnet['SubnetId']}. ELB requires at least {_FREE_ADDRESSES} free "
                "IP addresses in each subnet."
            )
            raise Refusal("InvalidSubnet", text)
    return placed


def _check_groups(wanted: list[str], subnet: dict, kind: str) -> list[str]:
    if not wanted and kind != "application":
        return []
    try:
        return [group["GroupId"] for group in interfaces.groups_of(subnet, wanted)]
    except EC2Refusal as refused:
        raise Refusal("InvalidConfigurationRequest", "One or more security groups are invalid") from refused


# --- network interfaces


def _description(balancer: dict) -> str:
    return "ELB " + balancer["LoadBalancerArn"].split(":loadbalancer/")[1]


def _own_interfaces(balancer: dict) -> list[dict]:
    text = _description(balancer)
    return [i for i in ec2._network_interfaces.values() if i["Description"] == text and i.get("RequesterManaged")]


def _place(balancer: dict) -> None:
    """One interface in each subnet, with the security groups; those elsewhere go."""
    here = {interface["SubnetId"]: interface for interface in _own_interfaces(balancer)}
    for subnet_id, interface in here.items():
        if subnet_id not in balancer["Subnets"]:
            ec2._network_interfaces.pop(interface["NetworkInterfaceId"], None)
    for subnet_id in balancer["Subnets"]:
        subnet = ec2._subnets[subnet_id]
        groups = [{"GroupId": g, "GroupName": ec2._security_groups[g]["GroupName"]} for g in balancer["SecurityGroups"]]
        if subnet_id in here:
            here[subnet_id]["Groups"] = groups
            continue
        interface = interfaces.make(subnet, groups, _description(balancer), [])
        interface |= {
            "Status": "in-use",
            "RequesterManaged": True,
            "RequesterId": "amazon-elb",
            "InterfaceType": "network_load_balancer" if balancer["Type"] == "network" else "interface",
            "Attachment": {
                "AttachmentId": f"ela-attach-0{random.getrandbits(64):016x}",
                "InstanceOwnerId": "amazon-elb",
                "DeviceIndex": 1,
                "Status": "attached",
                "AttachTime": now(),
                "DeleteOnTermination": False,
            },
        }


def _gateway_is_free(vpc: str) -> None:
    public = [
        b["LoadBalancerName"] for b in alb._lbs.values() if b["VpcId"] == vpc and b["Scheme"] == "internet-facing"
    ]
    if public:
        raise network.EC2Error(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching "
            f"the gateway. (load balancers {', '.join(public)})",
        )


def _detach(original: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        try:
            _gateway_is_free(ec2._p(params, "VpcId"))
        except network.EC2Error as refused:
            return ec2._error("DependencyViolation", str(refused).split(" (Service:")[0], 400)
        return original(params)

    return handle


# --- the other actions


def _view(balancer: dict) -> dict:
    region, network_kind = get_region(), balancer["Type"] == "network"
    hosted = _HOSTED_ZONES.get(region, _HOSTED_ZONES["us-east-1"])
    zones = [
        {
            "SubnetId": subnet,
            "ZoneName": (ec2._subnets.get(subnet) or {}).get("AvailabilityZone", f"{region}a"),
            "LoadBalancerAddresses": [],
        }
        for subnet in balancer["Subnets"]
    ]
    return {
        **balancer,
        "CanonicalHostedZoneId": hosted[1] if network_kind else hosted[0],
        "State": {"Code": balancer["State"]},
        "AvailabilityZones": zones,
    }


def _describe(request: dict) -> dict:
    arns, names = request.get("LoadBalancerArns"), request.get("Names")
    found = [known(arn) for arn in arns] if arns else list(alb._lbs.values())
    for name in names or []:
        _check_name(name)
    if names:
        found = [b for b in found if b["LoadBalancerName"] in names]
        if len(found) < len(set(names)):
            raise Refusal("LoadBalancerNotFound", f"Load balancers '[{', '.join(names)}]' not found")
    items, marker = page([_view(balancer) for balancer in found], request)
    return {"LoadBalancers": items, "NextMarker": marker}


def _delete(request: dict) -> dict:
    """A load balancer that is gone already is no error; listeners and rules go with it."""
    arn = request["LoadBalancerArn"]
    balancer = alb._lbs.get(arn)
    if balancer is None:
        return {}
    if attribute(arn, "deletion_protection.enabled") == "true":
        text = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise Refusal("OperationNotPermitted", text)
    for interface in _own_interfaces(balancer):
        ec2._network_interfaces.pop(interface["NetworkInterfaceId"], None)
    mine = [listener["ListenerArn"] for listener in alb._listeners.values() if listener["LoadBalancerArn"] == arn]
    rules = [rule["RuleArn"] for rule in alb._rules.values() if rule["ListenerArn"] in mine]
    for store, gone in ((alb._rules, rules), (alb._listeners, mine), (alb._lbs, [arn])):
        for each in gone:
            store.pop(each, None)
            alb._tags.pop(each, None)
    alb._lb_attrs.pop(arn, None)
    return {}


def _set_subnets(request: dict) -> dict:
    balancer = known(request["LoadBalancerArn"])
    wanted = [m["SubnetId"] for m in request.get("SubnetMappings", [])] or request.get("Subnets", [])
    current = [s for s in wanted if s not in balancer["Subnets"]]
    placed = _check_subnets(wanted, balancer["Type"], balancer["Scheme"]) if current else []
    balancer["Subnets"] = [s["SubnetId"] for s in placed] or wanted
    balancer["IpAddressType"] = request.get("IpAddressType", balancer["IpAddressType"])
    _place(balancer)
    shown = _view(balancer)
    return {"AvailabilityZones": shown["AvailabilityZones"], "IpAddressType": balancer["IpAddressType"]}


def _set_security_groups(request: dict) -> dict:
    balancer = known(request["LoadBalancerArn"])
    if balancer["Type"] == "network" and not balancer["SecurityGroups"]:
        text = "You cannot set security groups on a Network Load Balancer that was created without any"
        raise Refusal("InvalidConfigurationRequest", text)
    subnet = ec2._subnets[balancer["Subnets"][0]]
    balancer["SecurityGroups"] = _check_groups(request["SecurityGroups"], subnet, balancer["Type"])
    _place(balancer)
    return {"SecurityGroupIds": balancer["SecurityGroups"]}
