"""AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress: rules apart from their group."""

from collections.abc import Callable

from . import resources
from .api import api
from .resources import Properties

_REPLACED_BY = (
    "CidrIp",
    "CidrIpv6",
    "FromPort",
    "GroupId",
    "GroupName",
    "IpProtocol",
    "SourcePrefixListId",
    "SourceSecurityGroupId",
    "DestinationPrefixListId",
    "DestinationSecurityGroupId",
    "ToPort",
    # On AWS a description changes in place; here the rule is made anew with it, which nothing can tell apart.
    "Description",
)


def install() -> None:
    """Add the two types."""
    for way, peer in (("ingress", "Source"), ("egress", "Destination")):
        resources.add(
            f"AWS::EC2::SecurityGroup{way.capitalize()}",
            create=_creator(way, peer),
            delete=_deleter(way, peer),
            replaced_by=_REPLACED_BY,
        )


def permission(properties: Properties, peer: str) -> dict:
    """The rule as the EC2 API takes it; peer is Source or Destination."""
    rule: dict = {"IpProtocol": str(properties["IpProtocol"])}
    for name in ("FromPort", "ToPort"):
        if name in properties:
            rule[name] = int(properties[name])
    note = {"Description": properties["Description"]} if properties.get("Description") else {}
    if "CidrIp" in properties:
        rule["IpRanges"] = [{"CidrIp": properties["CidrIp"], **note}]
    if "CidrIpv6" in properties:
        rule["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"], **note}]
    if f"{peer}SecurityGroupId" in properties:
        rule["UserIdGroupPairs"] = [{"GroupId": properties[f"{peer}SecurityGroupId"], **note}]
    if f"{peer}PrefixListId" in properties:
        rule["PrefixListIds"] = [{"PrefixListId": properties[f"{peer}PrefixListId"], **note}]
    return rule


def _creator(way: str, peer: str) -> Callable[[str, Properties, str], tuple[str, dict]]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        authorize = getattr(api("ec2"), f"authorize_security_group_{way}")
        answer = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties, peer)])
        rules = answer.get("SecurityGroupRules") or [{}]
        rule_id = rules[0].get("SecurityGroupRuleId", logical_id)
        return rule_id, {"Id": rule_id}

    return create


def _deleter(way: str, peer: str) -> Callable[[str, Properties], None]:
    def delete(physical_id: str, properties: Properties) -> None:
        groups = api("ec2").describe_security_groups()["SecurityGroups"]
        if properties["GroupId"] not in {g["GroupId"] for g in groups}:
            return
        revoke = getattr(api("ec2"), f"revoke_security_group_{way}")
        revoke(GroupId=properties["GroupId"], IpPermissions=[permission(properties, peer)])

    return delete
