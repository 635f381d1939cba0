"""What MiniStack leaves out of VPC endpoints and NAT gateways: private names, security groups, addresses.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGatewayAddress.html
"""

import re
from collections.abc import Callable

from ministack.services import ec2

_MADE = re.compile(rb"<vpcEndpointId>([^<]+)</vpcEndpointId>")
_NAT = re.compile(r"<natGatewayId>([^<]+)</natGatewayId>(.*?)<natGatewayAddressSet/>", re.DOTALL)

_fields = ec2._vpce_fields_xml


def install() -> None:
    """Keep and show them."""
    ec2._vpce_fields_xml = _with_groups
    ec2._ACTION_MAP["CreateVpcEndpoint"] = _keeping(ec2._ACTION_MAP["CreateVpcEndpoint"])
    ec2._ACTION_MAP["DescribeNatGateways"] = _with_addresses(ec2._ACTION_MAP["DescribeNatGateways"])


def _keeping(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def create(params: dict) -> tuple:
        result = answer(params)
        made = _MADE.search(result[2])
        if result[0] != 200 or not made:
            return result
        endpoint = ec2._vpc_endpoints[made[1].decode()]
        if endpoint["VpcEndpointType"] == "Interface":
            endpoint["PrivateDnsEnabled"] = ec2._p(params, "PrivateDnsEnabled", "true") == "true"
            groups = ec2._parse_member_list(params, "SecurityGroupId")
            endpoint["SecurityGroupIds"] = groups or _default_group(endpoint["VpcId"])
        body = _with_groups(endpoint, tag="vpcEndpoint")
        return ec2._xml(200, "CreateVpcEndpointResponse", body)

    return create


def _default_group(vpc_id: str) -> list[str]:
    return [g["GroupId"] for g in ec2._security_groups.values() if (g["VpcId"], g["GroupName"]) == (vpc_id, "default")]


def _with_groups(endpoint: dict, tag: str = "item") -> str:
    known = ec2._security_groups
    names = {group: known.get(group, {}).get("GroupName", "") for group in endpoint.get("SecurityGroupIds", [])}
    groups = "".join(
        f"<item><groupId>{group}</groupId><groupName>{name}</groupName></item>" for group, name in names.items()
    )
    private = "true" if endpoint.get("PrivateDnsEnabled") else "false"
    more = f"<groupSet>{groups}</groupSet><privateDnsEnabled>{private}</privateDnsEnabled></{tag}>"
    text = _fields(endpoint, tag)
    return text[: text.rindex(f"</{tag}>")] + more


def _with_addresses(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def describe(params: dict) -> tuple:
        status, headers, body = answer(params)
        return status, headers, _NAT.sub(_address, body.decode()).encode()

    return describe


def _address(found: re.Match) -> str:
    allocation = ec2._nat_gateways[found[1]].get("AllocationId") or ""
    address = ec2._addresses.get(allocation)
    if address is None:  # a private gateway, or an address that was released since
        return found[0]
    item = (
        f"<item><allocationId>{allocation}</allocationId><publicIp>{address['PublicIp']}</publicIp>"
        "<isPrimary>true</isPrimary><status>succeeded</status></item>"
    )
    return f"<natGatewayId>{found[1]}</natGatewayId>{found[2]}<natGatewayAddressSet>{item}</natGatewayAddressSet>"
