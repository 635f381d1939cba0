"""A call of an API as IAM sees it, and the resources that it touches."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import reference
from .judgements import Judgement

# Keys of every request. Those of tags are left to the reference: not every action has them.
_TAG_KEYS = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


@dataclass(frozen=True)
class Call:
    """An operation with its parameters as the SDKs name them, by its IAM prefix, in an account and region."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    partition: str = "aws"

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"

    @functools.cached_property
    def _place(self) -> dict[str, str]:
        return {"Partition": self.partition, "Region": self.region, "Account": self.account}

    def arn(self, resource_type: str, service: str = "", **names: str) -> str:
        """The ARN of one of the service's resources here; a name that is not given is "*"."""
        return reference.arn(service or self.service, resource_type, self._place, **names)


@dataclass(frozen=True)
class Subject:
    """A resource that a call touches: its type in the reference ("" for none), its ARN, and the keys that it has."""

    type: str
    arn: str
    keys: Mapping[str, Any] = field(default_factory=dict)


NO_RESOURCE = Subject("", "*")


def judgement(action: str, subject: Subject, keys: Mapping[str, Any] | None = None) -> Judgement:
    """An action on a subject, with those of the keys that the reference gives the action on that type."""
    found = reference.action(action)
    given = {**(keys or {}), **subject.keys}
    allowed = found.keys_of(subject.type) if found else None
    kept = {
        name: value
        for name, value in given.items()
        if value is not None and (allowed is None or _is_global(name) or reference.in_family(name, allowed))
    }
    return Judgement(action, subject.arn, kept)


def _is_global(key: str) -> bool:
    lowered = key.lower()
    return lowered.startswith("aws:") and not lowered.startswith(_TAG_KEYS)


def request_tags(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, Any]:
    """aws:RequestTag/KEY and aws:TagKeys of the tags in a request, as a map or as a list of Key and Value.

    Without tags there are no keys at all: a condition on aws:TagKeys then sees a missing key.
    """
    pairs = _pairs(tags)
    if not pairs:
        return {}
    return {f"aws:RequestTag/{name}": value for name, value in pairs.items()} | {"aws:TagKeys": list(pairs)}


def tag_keys(names: Iterable[str] | None) -> dict[str, Any]:
    """aws:TagKeys of a request that names the keys of tags only."""
    return {"aws:TagKeys": list(names)} if names else {}


def resource_tags(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None, *prefixes: str) -> dict[str, Any]:
    """aws:ResourceTag/KEY of a resource's tags, and PREFIX:ResourceTag/KEY for the services that have their own."""
    return {
        f"{prefix}:ResourceTag/{name}": value for name, value in _pairs(tags).items() for prefix in ("aws", *prefixes)
    }


def _pairs(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    if not tags:
        return {}
    if isinstance(tags, Mapping):
        return dict(tags)
    named = ((tag.get("Key", tag.get("key", "")), tag.get("Value", tag.get("value"))) for tag in tags)
    return {str(name): str(value or "") for name, value in named if name}


def listed(value: Any) -> list[Any]:
    """A list as it is, one value as a list, nothing as none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def text(value: Any) -> str | None:
    """A value as conditions compare it: booleans in lower case."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
