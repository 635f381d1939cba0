"""One question to IAM, and the answer: may this principal do this action to this resource, with these keys?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam

from .. import calls

_ALLOWED = "a policy allows it"


@dataclass(frozen=True)
class Judgement:
    """An action ("ec2:RunInstances") on a resource (an ARN or "*"), with the condition keys of that resource.

    A key that is missing here is missing in the request, and makes a condition on it false, IfExists and Null aside.
    """

    action: str
    resource: str = "*"
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Denial:
    """Which of the judgements failed, and whether a policy denies it or merely none allows it."""

    principal: str
    judgement: Judgement
    explicit: bool = False
    resource_policy: str = ""

    @property
    def action(self) -> str:
        return self.judgement.action

    @property
    def resource(self) -> str:
        return self.judgement.resource


def judge(principal: iam_evaluator.PrincipalInfo, judgements: Iterable[Judgement]) -> Denial | None:
    """The first judgement that principal does not pass, or None. Each that was looked at has a line in calls.jsonl.

    The account's root, a principal without policies, passes all and leaves no line.
    """
    if principal.policies is None:
        return None
    for judgement in judgements:
        result = decide(principal, judgement)
        allowed = result.decision == "Allow"
        calls.record(
            principal.arn,
            judgement.action,
            judgement.resource,
            allowed,
            _ALLOWED if allowed else result.reason or result.decision,
        )
        if not allowed:
            return Denial(principal.arn, judgement, result.decision == "Deny", result.resource_policy_arn)
    return None


def decide(principal: iam_evaluator.PrincipalInfo, judgement: Judgement) -> iam_evaluator.EvalResult:
    """MiniStack's evaluation of one judgement: identity policies within their limits, then the resource's own policy.

    Nothing is recorded.
    """
    if principal.policies is None:
        return iam_evaluator.EvalResult("Allow", principal.arn)
    asked = {name.lower(): value for name, value in judgement.keys.items()}
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=judgement.action,
        resource_arn=judgement.resource,
        region=asked.get("aws:requestedregion") or get_region(),
        # A request that names no tags has no aws:TagKeys.
        service_context={"aws:tagkeys": None, **asked},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    service = judgement.action.partition(":")[0]
    found = _resource_policy(service, judgement.resource)
    if found is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(
            result, context, *found, required=required, limits=tuple(principal.limits)
        )
    return result


def _resource_policy(service: str, resource: str) -> tuple[Any, str | None] | None:
    """The resource's own policy and the account that owns it. A role's is its trust policy: who is named there needs
    no policy of his own in the role's account.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
    """
    if service == "sts" and ":role/" in resource and "*" not in resource:
        account = resource.split(":")[4]
        role = iam._roles.get_scoped(account, None, resource.rsplit("/", 1)[-1])
        return (role["AssumeRolePolicyDocument"], account) if role else None
    return iam_evaluator._resource_policy(service, resource)
