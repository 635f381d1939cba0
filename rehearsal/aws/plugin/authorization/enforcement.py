"""Each request is judged whole: MiniStack asks once, on one resource; here all of AWS's judgements are made.

MiniStack extracts a request's resource and then asks `enforce`. The first is where the request is seen, the second
where it is judged; both run in the request's own context.
"""

import contextvars
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id

from .. import calls
from . import callers, fleets, object_keys, parameters, passing, rules, variables
from .call import Call
from .judgements import Denial, Judgement, decide, judge
from .parameters import Request
from .state import State, remember_departed

_enforce = iam_evaluator.enforce
_extract_resource_arn = iam_actions.extract_resource_arn

# Who called when the credentials were not good.
_UNKNOWN = "unauthenticated"

# Services that MiniStack would not ask about.
_MORE_NAMESPACES = {"pricing": "pricing", "servicecatalog": "servicecatalog", "servicequotas": "servicequotas"}

# Services of which MiniStack asks again for other resources of the same request: they have been judged by then.
_ASKED_AGAIN = ("ec2", "events")


@dataclass
class _Seen:
    """A request on its way to its judgement, and the judgement that it failed."""

    request: Request
    region: str
    judged: bool = False
    denial: Denial | None = None
    _call: list[Call] = field(default_factory=list)

    def call(self) -> Call:
        """The request as a call; read once, when it is asked for."""
        if not self._call:
            operation, found = parameters.read(self.request)
            prefix = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(self.request.service, self.request.service)
            self._call.append(Call(prefix, operation, found, get_account_id(), self.region))
        return self._call[0]


_seen: contextvars.ContextVar[_Seen | None] = contextvars.ContextVar("rehearsal_seen", default=None)


def install() -> None:
    """Judge every request by the rules of this package."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE.update(_MORE_NAMESPACES)
    iam_actions.extract_resource_arn = _see
    iam_evaluator.enforce = _judge_request
    callers.install()
    variables.install()
    remember_departed()


def current_call() -> Call | None:
    """The call that is being served, or None outside of one."""
    seen = _seen.get()
    return seen.call() if seen else None


def current_resource() -> str | None:
    """The ARN that the call which is being served is about, without the end that is yet to be drawn; None outside."""
    call = current_call()
    found = rules.of_call(call, State()) if call else None
    return found[0].resource if found and found[0].resource != "*" else None


def current_denial() -> Denial | None:
    """The judgement that the request being served failed, or None."""
    seen = _seen.get()
    return seen.denial if seen else None


def launch_denial(template: Mapping[str, Any], override: Mapping[str, Any]) -> Denial | None:
    """Whether the caller of the CreateFleet that is being served may not launch this of it.

    template is the LaunchTemplateSpecification; a denial is one of the fleet's errors, not of the call.
    """
    call, principal = current_call(), calls.current_principal()
    if call is None or principal is None:
        return None
    return judge(principal, fleets.launch(call, State(), template, override))


def _see(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
    region: str,
    account_id: str,
) -> str:
    _seen.set(_Seen(Request(service, method, path, headers, body, query_params), region))
    return _extract_resource_arn(service, method, path, headers, body, query_params, region, account_id)


def _judge_request(
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    calls.forget_principal(access_key_id)
    seen = _seen.get()
    if seen is None or seen.request.service != service or seen.judged:
        if seen is not None and seen.judged and service == seen.request.service and service in _ASKED_AGAIN:
            return None
        return _ask(access_key_id, Judgement(iam_action, resource_arn, service_context or {}), service, region)
    own = Judgement(iam_action, resource_arn, service_context or {})
    if iam_evaluator.is_root_access_key(access_key_id or ""):
        return _ask(access_key_id, own, service, region)
    judgements, more = _judgements(seen, own)
    seen.judged = judgements[0] is not own
    verdict = _ask(access_key_id, judgements[0], service, region)
    if verdict is not None:
        if isinstance(verdict, iam_evaluator.EvalResult):
            denied = verdict.decision == "Deny"
            seen.denial = Denial(verdict.principal_arn, judgements[0], denied, verdict.resource_policy_arn)
        return verdict
    principal = calls.current_principal()
    seen.denial = judge(principal, [*judgements[1:], *more]) if principal else None
    if seen.denial is None:
        return None
    return iam_evaluator.EvalResult(
        "Deny" if seen.denial.explicit else "ImplicitDeny",
        principal_arn=seen.denial.principal,
        resource_policy_arn=seen.denial.resource_policy,
    )


def _judgements(seen: _Seen, own: Judgement) -> tuple[list[Judgement], list[Judgement]]:
    """The judgements of a call, or MiniStack's own and the roles that the call hands over."""
    if own.action == "s3:PutReplicationConfiguration":
        return [own], passing.of_replication(seen.request.body)
    if own.action.startswith("s3:"):
        return [own], object_keys.of_request(own.action, own.resource, seen.request)
    call, state = seen.call(), State()
    found = rules.of_call(call, state)
    if found:
        return found, []
    return [own], passing.roles(call, state)


def _ask(access_key_id: str, judgement: Judgement, service: str, region: str) -> Any:
    """MiniStack's verdict on one judgement, which also looks at the request's signature; recorded."""
    verdict = _enforce(access_key_id, judgement.action, service, region, judgement.resource, dict(judgement.keys))
    principal = calls.current_principal()
    if _trusted(principal, judgement, verdict):
        verdict = None
    if isinstance(verdict, iam_evaluator.AuthError):
        calls.record(_UNKNOWN, judgement.action, judgement.resource, False, f"{verdict.code}: {verdict.message}")
    elif verdict is not None:
        reason = verdict.reason or verdict.decision
        calls.record(verdict.principal_arn, judgement.action, judgement.resource, False, reason)
    elif principal is not None:
        calls.record(principal.arn, judgement.action, judgement.resource, True, "a policy allows it")
    return verdict


def _trusted(principal: iam_evaluator.PrincipalInfo | None, judgement: Judgement, verdict: Any) -> bool:
    """Whether a role's trust policy makes up for what the caller's own policies do not say."""
    if principal is None or not judgement.action.startswith("sts:"):
        return False
    denied = isinstance(verdict, iam_evaluator.EvalResult) and verdict.decision == "ImplicitDeny"
    return denied and decide(principal, judgement).decision == "Allow"
