"""EC2's resources for some minutes after they are gone: a call that names one is judged by the keys that it had.

So a delete that comes again, as a controller's does whose first one was interrupted, gets EC2's own "NotFound". A
volume "can remain in the deleting state for several minutes":
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVolume.html. What has been gone for longer, or never
was, has no tags, and who may act by tags only is not authorized. Karpenter met both:
https://github.com/aws/karpenter-provider-aws/issues/5535 (a launch template, at once) and
https://github.com/aws/karpenter-provider-aws/issues/2100 (an instance, later).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

SECONDS = 300.0

Record = Mapping[str, Any]
Tags = list[Mapping[str, str]]


@dataclass(frozen=True)
class Departed:
    """A resource's record and tags as they were when it went."""

    record: Record
    tags: Tags
    at: float


class Memory:
    """What has left EC2's stores, by account, region and id. clock is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], Departed] = {}

    def keep(self, identity: str, record: Record, tags: Iterable[Mapping[str, str]]) -> None:
        """Remember a resource of the request's account and region that goes now; forget those that went long ago."""
        now = self._clock()
        self._known = {key: one for key, one in self._known.items() if now - one.at <= SECONDS}
        self._known[self._key(identity)] = Departed(dict(record), [dict(tag) for tag in tags], now)

    def find(self, identity: str) -> Departed | None:
        """What went by that id in the last minutes, in the request's account and region."""
        found = self._known.get(self._key(identity))
        return found if found and self._clock() - found.at <= SECONDS else None

    def _key(self, identity: str) -> tuple[str, str, str]:
        return (get_account_id(), get_region(), identity)


def watch(stores: Iterable[AccountRegionScopedDict], tags: AccountRegionScopedDict, memory: Memory) -> None:
    """Let memory keep whatever is taken out of the stores from now on, with its tags."""

    class Watched(AccountRegionScopedDict):
        """A store that tells what leaves it, whoever takes it out."""

        __slots__ = ()

        def pop(self, key: str, *default: Any) -> Any:
            self._going(key)
            return super().pop(key, *default)

        def __delitem__(self, key: str) -> None:
            self._going(key)
            super().__delitem__(key)

        def _going(self, key: str) -> None:
            record = self.get(key)
            if record is not None:
                memory.keep(key, record, tags.get(key) or [])

    for store in stores:
        # Others hold the store itself, so it cannot be replaced by another.
        store.__class__ = Watched
