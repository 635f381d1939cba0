"""CreateFleet of type instant: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instant-fleet.html.

What cannot be launched is told in the answer's errors, one for each override that was tried; the call succeeds.
"""

from ministack.core.responses import new_uuid
from ministack.services import ec2

from .. import authorization, denials
from . import catalogue, instances, launching, offers, subnets, tagging
from .launch_templates import data_of
from .selection import page, select
from .wire import Refusal, answer, now

_INSTANT = "instant"
_FILTERS = {"activity-status": "ActivityStatus", "fleet-state": "FleetState", "type": "Type"}
_IN_OVERRIDES = ("ImageId", "InstanceType", "SubnetId", "BlockDeviceMappings", "Placement")


class _Option:
    """One way to launch: a launch template with one override."""

    def __init__(self, template: dict, override: dict, spot: bool) -> None:
        data, record, number = data_of(template)
        own = [
            {"Key": "aws:ec2launchtemplate:id", "Value": record["LaunchTemplateId"]},
            {"Key": "aws:ec2launchtemplate:version", "Value": str(number)},
        ]
        changed = {k: v for k, v in override.items() if k in _IN_OVERRIDES}
        self.specification = launching.overlaid(data, changed) | {"_own_tags": own}
        if spot:
            self.specification["InstanceMarketOptions"] = {"MarketType": "spot"}
        self.override = override
        self.asked_template = template
        self.template = {
            "LaunchTemplateId": record["LaunchTemplateId"],
            "LaunchTemplateName": record["LaunchTemplateName"],
            "Version": str(number),
        }
        # EC2 tells the template as it was asked for.
        self.template = {k: v for k, v in self.template.items() if k == "Version" or template.get(k)}
        self.spot = spot

    def price(self) -> float:
        kind = catalogue.types().get(self.specification.get("InstanceType", ""))
        if kind is None:
            return float("inf")
        subnet = ec2._subnets.get(self.specification.get("SubnetId"))
        if not self.spot or subnet is None:
            return kind.usdPerHour
        return offers.spot_price(kind, subnet["AvailabilityZone"])

    def told(self) -> dict:
        """LaunchTemplateAndOverrides, with the zone that follows from the subnet."""
        told = {k: self.specification.get(k) for k in ("InstanceType", "SubnetId", "ImageId")}
        subnet = ec2._subnets.get(told["SubnetId"])
        zone = subnet["AvailabilityZone"] if subnet else self.override.get("AvailabilityZone")
        overrides = {**{k: v for k, v in self.override.items() if k == "Priority"}, **told, "AvailabilityZone": zone}
        return {"LaunchTemplateSpecification": self.template, "Overrides": overrides}


def install() -> None:
    """Answer the actions."""
    answer("CreateFleet", _create)
    answer("DescribeFleets", _describe)


def _create(request: dict) -> dict:
    if request.get("Type", "maintain") != _INSTANT:
        raise Refusal("UnsupportedOperation", "The rehearsal plays fleets of type instant only.")
    target = request.get("TargetCapacitySpecification") or {}
    spot = target.get("DefaultTargetCapacityType", "on-demand") == "spot"
    total = int(target.get("TotalTargetCapacity", 0))
    if total < 1:
        raise Refusal("InvalidParameterValue", "TotalTargetCapacity must be at least 1.")
    options = _ordered(_options(request, spot), request, spot)
    if not options:
        raise Refusal("MissingParameter", "The request must contain the parameter LaunchTemplateConfigs")
    fleet_id = f"fleet-{new_uuid()}"
    tags = tagging.of_request(request, "instance"), tagging.of_request(request, "volume")
    own = [{"Key": "aws:ec2:fleet-id", "Value": fleet_id}]
    made, errors = _fill(options, total, _tag_specifications(*tags), own)
    tagging.put(fleet_id, tagging.of_request(request, "fleet"))
    ec2._fleets[fleet_id] = {
        "FleetId": fleet_id,
        "FleetState": "active",
        "ActivityStatus": "fulfilled" if len(made) == total else "error",
        "CreateTime": now(),
        "Type": _INSTANT,
        "FulfilledCapacity": float(len(made)),
        "FulfilledOnDemandCapacity": 0.0 if spot else float(len(made)),
        "TargetCapacitySpecification": target,
        "Instances": made,
        "Errors": errors,
    }
    return {"FleetId": fleet_id, "Instances": made, "Errors": errors}


def _options(request: dict, spot: bool) -> list[_Option]:
    return [
        _Option(config.get("LaunchTemplateSpecification") or {}, override, spot)
        for config in request.get("LaunchTemplateConfigs", [])
        for override in config.get("Overrides") or [{}]
    ]


def _ordered(options: list[_Option], request: dict, spot: bool) -> list[_Option]:
    """The overrides in the order in which the allocation strategy tries them."""
    strategy = (request.get("SpotOptions" if spot else "OnDemandOptions") or {}).get("AllocationStrategy", "")
    if strategy in ("prioritized", "capacity-optimized-prioritized"):
        return sorted(options, key=lambda option: float(option.override.get("Priority", float("inf"))))
    return sorted(options, key=_Option.price)


def _tag_specifications(instance: list[dict], volume: list[dict]) -> dict:
    kinds = (("instance", instance), ("volume", volume))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind, tags in kinds if tags]}


def _fill(options: list[_Option], total: int, tags: dict, own: list[dict]) -> tuple[list[dict], list[dict]]:
    made: list[dict] = []
    errors: list[dict] = []
    missing = total
    for option in options:
        if missing == 0:
            break
        specification = launching.overlaid(option.specification, tags)
        specification["_own_tags"] = option.specification["_own_tags"] + own
        lifecycle = {"Lifecycle": "spot" if option.spot else "on-demand"}
        try:
            if denial := authorization.launch_denial(option.asked_template, option.override):
                raise Refusal("UnauthorizedOperation", denials.of_launch(denial))
            plan = launching.check(specification)
            count = min(missing, max(1, subnets.free(plan.subnet)))
            launched = instances.launch(plan, count)
        except Refusal as refused:
            error = {"ErrorCode": refused.code, "ErrorMessage": refused.message}
            errors.append({"LaunchTemplateAndOverrides": option.told(), **lifecycle, **error})
            continue
        missing -= len(launched)
        ids = [instance["InstanceId"] for instance in launched]
        kind = {"InstanceIds": ids, "InstanceType": plan.kind.name}
        told = option.told()
        told["Overrides"] |= {
            "SubnetId": plan.subnet["SubnetId"],
            "AvailabilityZone": plan.subnet["AvailabilityZone"],
        }
        made.append({"LaunchTemplateAndOverrides": told, **lifecycle, **kind})
    return made, errors


def _describe(request: dict) -> dict:
    wanted = request.get("FleetIds")
    for fleet_id in wanted or []:
        if fleet_id not in ec2._fleets:
            raise Refusal("InvalidFleetId.NotFound", f"The fleet ID '{fleet_id}' does not exist")
    # An instant fleet is answered to those only who name it.
    chosen = [ec2._fleets[i] for i in wanted] if wanted else []
    views = [{**fleet, "Tags": ec2._tags.get(fleet["FleetId"], [])} for fleet in chosen]
    found, token = page(select(views, request, _FILTERS), request, 1, 1000)
    return {"Fleets": found, "NextToken": token}
