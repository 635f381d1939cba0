"""What a role may do, asked of MiniStack's IAM evaluator outside of a request."""

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam


def session_arn(role_arn: str, session: str) -> str:
    """The principal that a service is with the role, as STS names it: without the role's path."""
    return f"arn:aws:sts::{get_account_id()}:assumed-role/{_name(role_arn)}/{session}"


def _name(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


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
