"""IAM's simulations, of roles and of policies, answered by the judgement that every call of a role gets.

MiniStack's own leave out boundaries, resource policies, context keys and all resources but the first.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html

Two differences from AWS. A resource's own policy counts without being passed, as in a call. And a question that no call
can ask is refused: an action, a resource or a context key that the service authorization reference does not know for
that action. A table of such questions so cannot hold rows that mean nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from . import authorization, roles
from .authorization import reference, rules

# Actions on resources that the reference does not name for them.
_RESOURCE_BY_GUIDE = {
    # https://docs.aws.amazon.com/waf/latest/developerguide/security_iam_service-with-iam.html
    "elasticloadbalancing:SetWebAcl": re.compile(r"arn:[^:]+:elasticloadbalancing:.*:loadbalancer/app/.+"),
    # https://docs.aws.amazon.com/eks/latest/userguide/zone-shift.html
    "arc-zonal-shift:GetManagedResource": re.compile(r"arn:[^:]+:eks:.*:cluster/.+"),
}

_WORDS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}

_FUNCTION = "lambda:sourcefunctionarn"

_simulate = iam._IAM_HANDLERS["SimulatePrincipalPolicy"]


class UnaskableError(ValueError):
    """A question that no call can ask."""


def install() -> None:
    """Answer for roles and policies; users stay MiniStack's."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _of_role
    iam._IAM_HANDLERS["SimulateCustomPolicy"] = _of_policies


def _of_role(params: dict) -> tuple:
    given = _given()
    role = str(given.get("PolicySourceArn", ""))
    if ":role/" not in role:
        return _simulate(params)
    name = role.rsplit("/", 1)[-1]
    if name not in iam._roles:
        return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.")
    return _answer("SimulatePrincipalPolicy", roles.assumed(role, "simulated"), given)


def _of_policies(params: dict) -> tuple:
    given = _given()
    account = get_account_id()
    principal = iam_evaluator.PrincipalInfo(
        arn=given.get("CallerArn") or f"arn:aws:sts::{account}:assumed-role/simulated/simulated",
        type="AssumedRole",
        account=account,
        policies=[iam_evaluator.parse_policy_document(text) for text in given.get("PolicyInputList") or []],
    )
    return _answer("SimulateCustomPolicy", principal, given)


def _given() -> Mapping[str, Any]:
    call = authorization.current_call()
    return call.parameters if call else {}


def _answer(operation: str, principal: iam_evaluator.PrincipalInfo, given: Mapping[str, Any]) -> tuple:
    try:
        asked = list(questions(given))
    except UnaskableError as problem:
        return iam._error(400, "InvalidInput", escape(str(problem)))
    members = "".join(_member(one, authorization.decide(principal, one).decision) for one in asked)
    result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(200, f"{operation}Response", f"<{operation}Result>{result}</{operation}Result>")


def _member(asked: authorization.Judgement, decision: str) -> str:
    return (
        f"<member><EvalActionName>{escape(asked.action)}</EvalActionName>"
        f"<EvalResourceName>{escape(asked.resource)}</EvalResourceName>"
        f"<EvalDecision>{_WORDS[decision]}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
    )


def questions(given: Mapping[str, Any]) -> Iterable[authorization.Judgement]:
    """Every action on every resource, with the context entries as condition keys."""
    keys = dict(map(_entry, given.get("ContextEntries") or []))
    for action in given.get("ActionNames") or []:
        known = reference.action(action)
        if known is None:
            raise UnaskableError(f"{action} is no action of the service authorization reference")
        for key in keys:
            if not _has(known, key):
                raise UnaskableError(f"no request for {action} has the key {key}")
        for resource in given.get("ResourceArns") or ["*"]:
            if not _judged_on(known, resource):
                raise UnaskableError(f"{action} is never judged on {resource}")
            yield authorization.Judgement(action, resource, keys)


def _entry(entry: Mapping[str, Any]) -> tuple[str, Any]:
    values = list(entry.get("ContextKeyValues") or [])
    is_list = str(entry.get("ContextKeyType", "")).endswith("List")
    return entry["ContextKeyName"], values if is_list else "".join(values[:1])


def _has(action: reference.Action, key: str) -> bool:
    lowered = key.lower()
    return lowered == _FUNCTION or reference.in_family(lowered, rules.GLOBAL | action.all_keys())


def _judged_on(action: reference.Action, resource: str) -> bool:
    """Whether the resource is of one of the action's types, or "*" where there are none."""
    if action.name in _RESOURCE_BY_GUIDE:
        return bool(_RESOURCE_BY_GUIDE[action.name].fullmatch(resource))
    if resource == "*":
        return not action.types
    prefix = action.name.partition(":")[0]
    return any(reference.pattern(prefix, kind).fullmatch(resource) for kind in action.types)
