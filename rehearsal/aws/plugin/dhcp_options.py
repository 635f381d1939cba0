"""DescribeDhcpOptions: the set that every VPC begins with, and a refusal of IDs that are not there.

https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

# MiniStack gives it to every VPC that is made, and has no record of it.
_FIRST = "dopt-00000001"
_OLDEST_REGION = "us-east-1"

Answer = Callable[[dict], tuple]


def install() -> None:
    """Wrap the action."""
    ec2._ACTION_MAP["DescribeDhcpOptions"] = _known(ec2._ACTION_MAP["DescribeDhcpOptions"])


def _known(answer: Answer) -> Answer:
    def describe(params: dict) -> tuple:
        if _FIRST not in ec2._dhcp_options:
            ec2._dhcp_options[_FIRST] = _first()
        for wanted in ec2._parse_member_list(params, "DhcpOptionsId"):
            if wanted not in ec2._dhcp_options:
                return ec2._error("InvalidDhcpOptionID.NotFound", f"The dhcpOption ID '{wanted}' does not exist", 400)
        return answer(params)

    return describe


def _first() -> dict:
    region = get_region()
    domain = "ec2.internal" if region == _OLDEST_REGION else f"{region}.compute.internal"
    return {
        "DhcpOptionsId": _FIRST,
        "DhcpConfigurations": [
            {"Key": "domain-name", "Values": [domain]},
            {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]},
        ],
        "OwnerId": get_account_id(),
        "Tags": [],
    }
