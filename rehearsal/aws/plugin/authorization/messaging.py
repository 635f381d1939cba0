"""SQS and EventBridge: queues, rules and buses by their ARNs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
"""

import json
from typing import Any

from . import reference
from .call import Call, Subject, listed, request_tags, resource_tags, tag_keys
from .judgements import Judgement
from .state import State

JUDGED = frozenset({"events:detail-type", "events:source", "events:targetarn", "events:creatoraccount"})


def subjects(call: Call, state: State) -> list[Subject]:
    """The queue; or the rule, or the buses that events go to."""
    return _queue(call, state) if call.service == "sqs" else _events(call, state)


def _queue(call: Call, state: State) -> list[Subject]:
    url = call.parameters.get("QueueUrl") or ""
    name = url.rstrip("/").rsplit("/", 1)[-1] or call.parameters.get("QueueName")
    if not name:
        return []
    arn = call.arn("queue", QueueName=name)
    return [Subject("queue", arn, resource_tags(state.tags(arn)))]


def _events(call: Call, state: State) -> list[Subject]:
    given = call.parameters
    if call.operation == "PutEvents":
        return [_bus_entry(call, entry) for entry in listed(given.get("Entries"))]
    if given.get("ResourceARN"):
        arn = given["ResourceARN"]
        return [Subject(_type_of_rule(arn), arn, resource_tags(state.tags(arn)))]
    action = reference.action(call.action)
    types = action.types if action else ()
    bus = _bus_name(given.get("EventBusName"))
    name = given.get("Rule") or given.get("Name")
    if name and "rule-on-default-event-bus" in types:
        where = {} if bus == "default" else {"EventBusName": bus}
        kind = "rule-on-custom-event-bus" if where else "rule-on-default-event-bus"
        arn = call.arn(kind, RuleName=name, **where)
        return [Subject(kind, arn, resource_tags(state.tags(arn)))]
    if "event-bus" in types:
        return [Subject("event-bus", call.arn("event-bus", EventBusName=name or bus))]
    return (
        [Subject(kind, call.arn(kind).removesuffix("*") + (name or "*")) for kind in action.required] if action else []
    )


def _type_of_rule(arn: str) -> str:
    resource = arn.split(":", 5)[-1]
    if not resource.startswith("rule/"):
        return resource.partition("/")[0]
    return "rule-on-custom-event-bus" if resource.count("/") > 1 else "rule-on-default-event-bus"


def _bus_name(bus: str | None) -> str:
    return (bus or "default").rsplit("/", 1)[-1]


def _bus_entry(call: Call, entry: dict[str, Any]) -> Subject:
    bus = entry.get("EventBusName") or "default"
    arn = bus if bus.startswith("arn:") else call.arn("event-bus", EventBusName=bus)
    return Subject(
        "event-bus", arn, {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
    )


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    found: dict[str, Any] = {
        **request_tags(given.get("Tags") or given.get("tags")),
        **tag_keys(listed(given.get("TagKeys"))),
    }
    if call.service == "events":
        pattern = _pattern(given.get("EventPattern"))
        found |= {
            "events:creatorAccount": call.account,
            "events:detail-type": _texts(pattern.get("detail-type")),
            "events:source": _texts(pattern.get("source")),
            "events:TargetArn": [one["Arn"] for one in listed(given.get("Targets")) if "Arn" in one] or None,
        }
    return found


def _pattern(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _texts(values: Any) -> list[str] | None:
    return [value for value in listed(values) if isinstance(value, str)] or None


def also(call: Call, state: State) -> list[Judgement]:
    """A queue that is made with tags is tagged; what has the right to make it needs the right to tag."""
    if call.action != "sqs:CreateQueue" or not call.parameters.get("tags"):
        return []
    return [Judgement("sqs:TagQueue", one.arn, request_tags(call.parameters["tags"])) for one in _queue(call, state)]
