"""What a role may do, asked of MiniStack's IAM evaluator outside of a request."""

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam


def allows(role_arn: str, action: str, resource: str = "*", session: str = "service") -> bool:
    """Whether the role's own policies, within its permissions boundary, allow action on resource.

    role_arn may have a path. False for a role that does not exist.
    """
    account = get_account_id()
    name = role_arn.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return iam_evaluator.evaluate(context, policies, *limits).decision == "Allow"
