"""The launches of a fleet: each is a RunInstances of the caller, and judged so."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from . import rules
from .call import Call, listed
from .judgements import Judgement
from .state import State

_OVERRIDES = ("BlockDeviceMappings", "ImageId", "InstanceType", "SubnetId")
_NOT_OF_LAUNCHES = ("fleet", "launch-template")


def launches_of(call: Call, state: State) -> list[list[Judgement]]:
    """The judgements of each launch that a CreateFleet may make, one list for each override."""
    return [
        launch(call, state, config.get("LaunchTemplateSpecification") or {}, override)
        for config in listed(call.parameters.get("LaunchTemplateConfigs"))
        for override in listed(config.get("Overrides")) or [{}]
    ]


def launch(call: Call, state: State, template: Mapping[str, Any], override: Mapping[str, Any]) -> list[Judgement]:
    """The judgements of one launch of a fleet: RunInstances, its tags, and the role of its profile."""
    parameters: dict[str, Any] = {"MinCount": 1, "MaxCount": 1, "LaunchTemplate": dict(template)}
    parameters |= {name: override[name] for name in _OVERRIDES if override.get(name)}
    if override.get("AvailabilityZone"):
        parameters["Placement"] = {"AvailabilityZone": override["AvailabilityZone"]}
    target = call.parameters.get("TargetCapacitySpecification") or {}
    if target.get("DefaultTargetCapacityType") == "spot":
        parameters["InstanceMarketOptions"] = {"MarketType": "spot"}
    tags = listed(call.parameters.get("TagSpecifications"))
    tags = [one for one in tags if one.get("ResourceType") not in _NOT_OF_LAUNCHES]
    if tags:
        parameters["TagSpecifications"] = tags
    run = dataclasses.replace(call, operation="RunInstances", parameters=parameters)
    return rules.of_call(run, state) or []
