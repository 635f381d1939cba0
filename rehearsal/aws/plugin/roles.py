"""What a role may do, asked of MiniStack's IAM evaluator outside of a request."""

import json
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from . import authorization


def session_arn(role_arn: str, session: str) -> str:
    """The principal that a service is with the role, as STS names it: without the role's path."""
    return f"arn:aws:sts::{get_account_id()}:assumed-role/{_name(role_arn)}/{session}"


def _name(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


def trusts(role_arn: str, service: str) -> bool:
    """Whether the role exists and its trust policy lets a service principal, such as "lambda.amazonaws.com", in."""
    role = iam._roles.get(_name(role_arn))
    if role is None:
        return False
    document = role["AssumeRolePolicyDocument"]
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    # A condition (on the source account, say) is taken as met: the services do what they are asked to.
    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in _listed(statement.get("Action"))
        and service in _services(statement.get("Principal"))
        for statement in _listed(statements)
    )


def _services(principal: Any) -> list[str]:
    return _listed(principal.get("Service")) if isinstance(principal, dict) else []


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def principal_allows(principal: iam_evaluator.PrincipalInfo, action: str, resource: str) -> bool:
    """Whether a caller's policies, within its limits, allow action on resource."""
    return authorization.decide(principal, authorization.Judgement(action, resource)).decision == "Allow"


def allows(role_arn: str, session: str, action: str, resource: str = "*") -> bool:
    """Whether the role's own policies, within its permissions boundary, allow action on resource.

    role_arn may have a path. False for a role that does not exist.
    """
    account = get_account_id()
    name = _name(role_arn)
    context = iam_evaluator.EvalContext(
        principal_arn=session_arn(role_arn, session),
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return iam_evaluator.evaluate(context, policies, *limits).decision == "Allow"
