"""Availability zones: more than three where AWS has more, a local zone, and those in which EKS makes no cluster.

Sources: "Regions and Zones" of the EC2 user guide, "Amazon EKS networking requirements" of the EKS user guide. As in
MiniStack the letter gives the number of the zone's ID (on AWS that differs from account to account): us-east-1c is
use1-az3, which EKS refuses.
"""

from dataclasses import dataclass

from ministack.core.responses import get_region
from ministack.services import ec2

_LETTERS = {
    "ap-northeast-1": "acd",
    "ca-central-1": "abd",
    "us-east-1": "abcdef",
    "us-west-1": "ac",
    "us-west-2": "abcd",
}
_MOST = "abc"

# Opted in, so that DescribeAvailabilityZones answers them without being asked for all.
_LOCAL = {"us-east-1": ("us-east-1-bos-1a", "use1-bos1-az1"), "us-west-2": ("us-west-2-lax-1a", "usw2-lax1-az1")}

_REFUSED_BY_EKS = {"cac1-az3", "use1-az3", "usw1-az2"}


@dataclass(frozen=True)
class Zone:
    """A zone of the request's region. kind: availability-zone or local-zone."""

    name: str
    zone_id: str
    kind: str
    opt_in: str
    group: str

    def takes_clusters(self) -> bool:
        return self.kind == "availability-zone" and self.zone_id not in _REFUSED_BY_EKS


def install() -> None:
    """Answer DescribeAvailabilityZones from here."""
    ec2._ACTION_MAP["DescribeAvailabilityZones"] = _describe


def of_region() -> dict[str, Zone]:
    """The zones of the request's region, by name."""
    region = get_region()
    zones = [
        Zone(
            f"{region}{letter}", ec2._az_id_for_zone_name(f"{region}{letter}"), "availability-zone", *_standard(region)
        )
        for letter in _LETTERS.get(region, _MOST)
    ]
    if region in _LOCAL:
        name, zone_id = _LOCAL[region]
        zones.append(Zone(name, zone_id, "local-zone", "opted-in", name[:-1]))
    return {zone.name: zone for zone in zones}


def _standard(region: str) -> tuple[str, str]:
    return "opt-in-not-required", f"{region}-zg-1"


def _describe(params: dict) -> tuple:
    names, ids = ec2._parse_member_list(params, "ZoneName"), ec2._parse_member_list(params, "ZoneId")
    zones = of_region()
    unknown = set(names) - zones.keys()
    if unknown:
        return ec2._error("InvalidParameterValue", f"Invalid availability zone: [{', '.join(sorted(unknown))}]", 400)
    items = "".join(
        _item(zone) for zone in zones.values() if (not names or zone.name in names) and (not ids or zone.zone_id in ids)
    )
    return ec2._xml(200, "DescribeAvailabilityZonesResponse", f"<availabilityZoneInfo>{items}</availabilityZoneInfo>")


def _item(zone: Zone) -> str:
    region = get_region()
    return (
        f"<item><zoneName>{zone.name}</zoneName><zoneState>available</zoneState><regionName>{region}</regionName>"
        f"<zoneId>{zone.zone_id}</zoneId><groupName>{zone.group}</groupName>"
        f"<networkBorderGroup>{zone.group if zone.kind == 'local-zone' else region}</networkBorderGroup>"
        f"<optInStatus>{zone.opt_in}</optInStatus><zoneType>{zone.kind}</zoneType></item>"
    )
