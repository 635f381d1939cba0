"""Who a stack's operation acts as: its caller, or the role that CloudFormation was handed.

"Use a CloudFormation service role": with a role CloudFormation calls the services itself, as the session
AWSCloudFormation of that role, and keeps the role for all later operations on the stack. Without one it calls them on
behalf of the caller (forward access sessions), which the condition keys aws:CalledVia and aws:ViaAWSService tell.
"""

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from .. import calls, roles

SERVICE = "cloudformation.amazonaws.com"
_SESSION = "AWSCloudFormation"


@dataclass(frozen=True)
class Actor:
    """A limited principal, and the keys that each of its judgements has besides its own."""

    principal: iam_evaluator.PrincipalInfo
    keys: dict[str, Any] = field(default_factory=dict)


# Who the operation that runs acts as: the caller (None for the account's root), or the ARN of a role.
_current: contextvars.ContextVar[iam_evaluator.PrincipalInfo | str | None] = contextvars.ContextVar(
    "rehearsal_stack_actor", default=None
)


@contextmanager
def acting(role_arn: str | None) -> Iterator[None]:
    """Act as the role, or else as the principal of the request that is being served.

    A task that is started within keeps the actor, and so does all that it starts: rollback, nested stacks, deletes.
    """
    token = _current.set(role_arn or calls.current_principal())
    try:
        yield
    finally:
        _current.reset(token)


def caller() -> Actor | None:
    """The principal of the request, for what CloudFormation does on its behalf while it listens; None for root."""
    principal = calls.current_principal()
    return None if principal is None else _on_behalf(principal)


def current() -> Actor | None:
    """Who the operation acts as; None when nothing limits it. A role's policies are those of this moment."""
    actor = _current.get()
    if actor is None:
        return None
    if not isinstance(actor, str):
        return _on_behalf(actor)
    account, name = get_account_id(), actor.rsplit("/", 1)[-1]
    principal = iam_evaluator.PrincipalInfo(
        arn=roles.session_arn(actor, _SESSION),
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )
    return Actor(principal, {"aws:ViaAWSService": "false"})


def _on_behalf(principal: iam_evaluator.PrincipalInfo) -> Actor:
    via = {"aws:CalledVia": [SERVICE], "aws:CalledViaFirst": SERVICE, "aws:CalledViaLast": SERVICE}
    return Actor(principal, {**via, "aws:ViaAWSService": "true"})
