"""What a role may do and who may use it, asked of MiniStack's IAM evaluator outside of a request."""

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from . import authorization


def session_arn(role_arn: str, session: str) -> str:
    """The principal that a service is with the role, as STS names it: without the role's path."""
    return f"arn:aws:sts::{get_account_id()}:assumed-role/{_name(role_arn)}/{session}"


def _name(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


def trusts(role_arn: str, service: str, source_arn: str = "") -> bool:
    """Whether the role exists and its trust policy lets a service principal, such as "lambda.amazonaws.com", in.

    The service asks for a resource of this account: source_arn, or else that of the call which is being served. The
    policy's conditions see it as aws:SourceArn and aws:SourceAccount.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    role = iam._roles.get(_name(role_arn))
    if role is None:
        return False
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={
            "aws:sourceaccount": account,
            "aws:sourcearn": source_arn or authorization.current_resource(),
            "aws:principalisawsservice": "true",
            "aws:principalservicename": service,
            "aws:tagkeys": None,
        },
    )
    document = role["AssumeRolePolicyDocument"]
    found = iam_evaluator.evaluate_resource_policy(document, context, service=service)
    return found.decision == "Allow"


def principal_allows(principal: iam_evaluator.PrincipalInfo, action: str, resource: str) -> bool:
    """Whether a caller's policies, within its limits, allow action on resource."""
    return authorization.decide(principal, authorization.Judgement(action, resource)).decision == "Allow"


def assumed(role_arn: str, session: str) -> iam_evaluator.PrincipalInfo:
    """Who a service is that has assumed the role: its policies, within its permissions boundary.

    role_arn may have a path. A role that does not exist has no policies.
    """
    account = get_account_id()
    name = _name(role_arn)
    tags = (iam._roles.get(name) or {}).get("Tags") or []
    return iam_evaluator.PrincipalInfo(
        arn=session_arn(role_arn, session),
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        keys={f"aws:principaltag/{tag['Key']}".lower(): tag["Value"] for tag in tags},
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )


def allows(role_arn: str, session: str, action: str, resource: str = "*") -> bool:
    """Whether the role's own policies, within its permissions boundary, allow action on resource."""
    return principal_allows(assumed(role_arn, session), action, resource)
