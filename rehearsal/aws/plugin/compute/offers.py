"""DescribeInstanceTypes, DescribeInstanceTypeOfferings and DescribeSpotPriceHistory."""

from ministack.core.responses import get_region

from .. import zones
from .catalogue import InstanceType, types
from .selection import page, select
from .wire import Refusal, answer, now

# Types that "Local Zones features" lists for the local zones here, of those in the catalogue.
_IN_LOCAL_ZONES = ("t3.medium", "t3.xlarge", "t3.2xlarge")
# The oldest zone of us-east-1 has none of the Nitro generations.
_OLD_ZONE = "use1-az3"
# "You can launch Spot Instances ... at up to a 90% discount"; a typical one.
_SPOT_SHARE = 0.4
_CENTS_PER_ZONE = 0.02

_TYPE_FILTERS = {
    "bare-metal": "BareMetal",
    "burstable-performance-supported": "BurstablePerformanceSupported",
    "current-generation": "CurrentGeneration",
    "ebs-info.nvme-support": "EbsInfo.NvmeSupport",
    "hypervisor": "Hypervisor",
    "instance-storage-supported": "InstanceStorageSupported",
    "instance-type": "InstanceType",
    "memory-info.size-in-mib": "MemoryInfo.SizeInMiB",
    "network-info.encryption-in-transit-supported": "NetworkInfo.EncryptionInTransitSupported",
    "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures",
    "supported-root-device-type": "SupportedRootDeviceTypes",
    "supported-usage-class": "SupportedUsageClasses",
    "supported-virtualization-type": "SupportedVirtualizationTypes",
    "vcpu-info.default-vcpus": "VCpuInfo.DefaultVCpus",
}
_OFFERING_FILTERS = {"instance-type": "InstanceType", "location": "Location"}
_SPOT_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "instance-type": "InstanceType",
    "product-description": "ProductDescription",
    "spot-price": "SpotPrice",
    "timestamp": "Timestamp",
}


def install() -> None:
    """Answer the three actions."""
    answer("DescribeInstanceTypes", _describe_types)
    answer("DescribeInstanceTypeOfferings", _describe_offerings)
    answer("DescribeSpotPriceHistory", _describe_spot_prices)


def offered(instance_type: str, zone: str) -> bool:
    """Whether a zone of the request's region has the type."""
    found = zones.of_region().get(zone)
    if found is None or found.zone_id == _OLD_ZONE:
        return False
    return found.kind == "availability-zone" or instance_type in _IN_LOCAL_ZONES


def spot_price(kind: InstanceType, zone: str) -> float:
    """A spot price: a share of the on-demand price, a little dearer in each further zone."""
    place = sorted(zones.of_region()).index(zone)
    return round(kind.usdPerHour * (_SPOT_SHARE + _CENTS_PER_ZONE * place), 6)


def _describe_types(request: dict) -> dict:
    wanted = request.get("InstanceTypes", [])
    unknown = [name for name in wanted if name not in types()]
    if unknown:
        raise Refusal(
            "InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(unknown)}]"
        )
    here = [info(kind) for name, kind in types().items() if not wanted or name in wanted]
    found, token = page(select(here, request, _TYPE_FILTERS), request, 5, 100)
    return {"InstanceTypes": found, "NextToken": token}


def info(kind: InstanceType) -> dict:
    """The type as DescribeInstanceTypes answers it."""
    baseline, peak = kind.networkGbps
    performance = f"{peak:g} Gigabit" if baseline == peak else f"Up to {peak:g} Gigabit"
    cores = kind.vcpus // kind.threadsPerCore
    found = {
        "InstanceType": kind.name,
        "CurrentGeneration": True,
        "FreeTierEligible": False,
        "SupportedUsageClasses": ["on-demand", "spot"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": False,
        "Hypervisor": kind.hypervisor,
        "ProcessorInfo": {
            "SupportedArchitectures": [kind.architecture],
            "SustainedClockSpeedInGhz": kind.clockGHz,
            "Manufacturer": kind.manufacturer,
        },
        "VCpuInfo": {
            "DefaultVCpus": kind.vcpus,
            "DefaultCores": cores,
            "DefaultThreadsPerCore": kind.threadsPerCore,
            "ValidThreadsPerCore": list(range(1, kind.threadsPerCore + 1)),
        },
        "MemoryInfo": {"SizeInMiB": kind.memoryMiB},
        "InstanceStorageSupported": kind.disks is not None,
        "EbsInfo": {
            "EbsOptimizedSupport": "default",
            "EncryptionSupport": "supported",
            "EbsOptimizedInfo": {
                "BaselineBandwidthInMbps": kind.ebsMbps[0],
                "BaselineThroughputInMBps": kind.ebsMbps[0] / 8,
                "BaselineIops": kind.ebsIOPS[0],
                "MaximumBandwidthInMbps": kind.ebsMbps[1],
                "MaximumThroughputInMBps": kind.ebsMbps[1] / 8,
                "MaximumIops": kind.ebsIOPS[1],
            },
            "NvmeSupport": "required",
        },
        "NetworkInfo": {
            "NetworkPerformance": performance,
            "MaximumNetworkInterfaces": kind.interfaces,
            "MaximumNetworkCards": 1,
            "DefaultNetworkCardIndex": 0,
            "NetworkCards": [
                {
                    "NetworkCardIndex": 0,
                    "NetworkPerformance": performance,
                    "MaximumNetworkInterfaces": kind.interfaces,
                    "BaselineBandwidthInGbps": baseline,
                    "PeakBandwidthInGbps": peak,
                }
            ],
            "Ipv4AddressesPerInterface": kind.addressesPerInterface,
            "Ipv6AddressesPerInterface": kind.addressesPerInterface,
            "Ipv6Supported": True,
            "EnaSupport": "required",
            "EfaSupported": False,
            "EncryptionInTransitSupported": kind.encryptedInTransit,
            "EnaSrdSupported": False,
        },
        "PlacementGroupInfo": {"SupportedStrategies": ["cluster", "partition", "spread"]},
        "HibernationSupported": False,
        "BurstablePerformanceSupported": kind.burstable,
        "DedicatedHostsSupported": not kind.burstable,
        "AutoRecoverySupported": kind.disks is None,
        "SupportedBootModes": ["uefi"] if kind.architecture == "arm64" else ["legacy-bios", "uefi"],
        "NitroEnclavesSupport": "unsupported",
        "NitroTpmSupport": "unsupported",
    }
    if kind.disks:
        count, size = kind.disks
        found["InstanceStorageInfo"] = {
            "TotalSizeInGB": count * size,
            "Disks": [{"SizeInGB": size, "Count": count, "Type": "ssd"}],
            "NvmeSupport": "required",
            "EncryptionSupport": "required",
        }
    return found


def _describe_offerings(request: dict) -> dict:
    known = zones.of_region()
    by = request.get("LocationType", "region")
    if by == "region":
        places = {get_region(): sorted(known)}
    elif by == "availability-zone":
        places = {name: [name] for name in sorted(known)}
    elif by == "availability-zone-id":
        places = {zone.zone_id: [name] for name, zone in sorted(known.items())}
    else:
        raise Refusal("InvalidParameterValue", f"Invalid value '{by}' for LocationType.")
    items = [
        {"InstanceType": name, "LocationType": by, "Location": place}
        for name in types()
        for place, inside in places.items()
        if any(offered(name, zone) for zone in inside)
    ]
    found, token = page(select(items, request, _OFFERING_FILTERS), request, 5, 1000)
    return {"InstanceTypeOfferings": found, "NextToken": token}


def _describe_spot_prices(request: dict) -> dict:
    wanted = request.get("InstanceTypes", [])
    products = request.get("ProductDescriptions", ["Linux/UNIX"])
    time = now()
    items = [
        {
            "InstanceType": name,
            "AvailabilityZone": zone,
            "AvailabilityZoneId": details.zone_id,
            "SpotPrice": f"{spot_price(kind, zone):.6f}",
            "ProductDescription": "Linux/UNIX",
            "Timestamp": time,
        }
        for name, kind in types().items()
        for zone, details in sorted(zones.of_region().items())
        if (not wanted or name in wanted)
        and request.get("AvailabilityZone", zone) == zone
        and offered(name, zone)
        and any(product.startswith("Linux/UNIX") for product in products)
    ]
    found, token = page(select(items, request, _SPOT_FILTERS), request, 1, 10_000)
    # This action ends its pages with an empty token.
    return {"SpotPriceHistory": found, "NextToken": token or ""}
