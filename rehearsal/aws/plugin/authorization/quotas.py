"""Service Quotas: a quota by its ARN.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html
"""

from typing import Any

from . import reference
from .call import Call, Subject
from .judgements import Judgement
from .state import State

JUDGED = frozenset({"servicequotas:service"})


def subjects(call: Call, state: State) -> list[Subject]:
    """The quota, for calls that are judged on one."""
    action = reference.action(call.action)
    service, code = call.parameters.get("ServiceCode"), call.parameters.get("QuotaCode")
    if action is None or "quota" not in action.types or not service or not code:
        return []
    return [Subject("quota", call.arn("quota", ServiceCode=service, QuotaCode=code))]


def keys(call: Call, state: State) -> dict[str, Any]:
    """The service whose quota it is."""
    return {"servicequotas:service": call.parameters.get("ServiceCode")}


def also(call: Call, state: State) -> list[Judgement]:
    """Nothing."""
    return []
