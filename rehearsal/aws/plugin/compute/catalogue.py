"""The instance types: what AWS's pages say of them, from instance_types.json (which names the pages)."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("instance_types.json")

# https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html: managed node groups cap the pods.
_FEW_VCPUS, _FEW_PODS, _MANY_PODS = 30, 110, 250


@dataclass(frozen=True)
class InstanceType:
    """One type. network and EBS figures: baseline and maximum; disks: how many, and GB of each."""

    name: str
    vcpus: int
    threadsPerCore: int
    memoryMiB: int
    architecture: str
    manufacturer: str
    clockGHz: float
    interfaces: int
    addressesPerInterface: int
    networkGbps: tuple[float, float]
    ebsMbps: tuple[int, int]
    ebsIOPS: tuple[int, int]
    hypervisor: str
    encryptedInTransit: bool
    usdPerHour: float
    disks: tuple[int, int] | None = None
    burstable: bool = False

    @property
    def max_pods(self) -> int:
        """What nodeadm tells the kubelet: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html."""
        return self.interfaces * (self.addressesPerInterface - 1) + 2

    @property
    def max_pods_managed(self) -> int:
        """The same, as a managed node group caps it."""
        return min(self.max_pods, _FEW_PODS if self.vcpus < _FEW_VCPUS else _MANY_PODS)


@functools.cache
def _content() -> dict:
    return json.loads(_FILE.read_text(encoding="utf-8"))


@functools.cache
def types() -> dict[str, InstanceType]:
    """All known types, by name."""
    return {
        name: InstanceType(name=name, **{k: tuple(v) if isinstance(v, list) else v for k, v in figures.items()})
        for name, figures in _content()["types"].items()
    }


def metal_prices() -> dict[str, float]:
    """US dollars per hour of some bare metal types, which nothing here launches."""
    return _content()["metalUSDPerHour"]
