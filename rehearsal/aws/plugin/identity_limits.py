"""Names, sizes and times that IAM and STS refuse.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import iam, sts

# White space does not count.
_INLINE_CHARACTERS = 10_240
_MANAGED_CHARACTERS = 6_144
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_SHORTEST_SESSION = 900
_DEFAULT_LONGEST = 3600

_name_session = sts._assumed_role_arn
_read_tags = sts._session_tags


def install() -> None:
    """Wrap the actions."""
    for action, check in _CHECKS.items():
        iam._IAM_HANDLERS[action] = _checked(iam._IAM_HANDLERS[action], check)
    sts._assumed_role_arn = _assumed_role_arn
    sts._session_tags = _session_tags


def _checked(answer: Callable[[dict], tuple], check: Callable[[dict], tuple | None]) -> Callable[[dict], tuple]:
    return lambda params: check(params) or answer(params)


def _size(document: Any) -> int:
    return len(re.sub(r"\s", "", document if isinstance(document, str) else ""))


def _inline_fits(params: dict) -> tuple | None:
    role = iam._roles.get(iam._p(params, "RoleName")) or {}
    others = {
        name: text for name, text in role.get("InlinePolicies", {}).items() if name != iam._p(params, "PolicyName")
    }
    if sum(map(_size, others.values())) + _size(iam._p(params, "PolicyDocument")) <= _INLINE_CHARACTERS:
        return None
    message = f"Maximum policy size of {_INLINE_CHARACTERS} bytes exceeded for role {iam._p(params, 'RoleName')}"
    return iam._error(409, "LimitExceeded", message, ns="iam")


def _managed_fits(params: dict) -> tuple | None:
    if _size(iam._p(params, "PolicyDocument")) <= _MANAGED_CHARACTERS:
        return None
    return iam._error(409, "LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED_CHARACTERS}", ns="iam")


def _policy_exists(params: dict) -> tuple | None:
    arn = iam._p(params, "PolicyArn")
    if iam.policy_known(arn):
        return None
    return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", ns="iam")


_CHECKS = {
    "AttachRolePolicy": _policy_exists,
    "CreatePolicy": _managed_fits,
    "CreatePolicyVersion": _managed_fits,
    "PutRolePolicy": _inline_fits,
}


def _assumed_role_arn(role_arn: str, session_name: str) -> tuple:
    if _SESSION_NAME.fullmatch(session_name or ""):
        return _name_session(role_arn, session_name)
    message = (
        f"1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
    )
    return "", sts._error(400, "ValidationError", message, ns="sts")


def _session_tags(params: dict, *arguments: Any, **more: Any) -> tuple:
    seconds = sts._p(params, "DurationSeconds")
    role = iam._roles.get(str(sts._p(params, "RoleArn")).rsplit("/", 1)[-1])
    longest = int((role or {}).get("MaxSessionDuration") or _DEFAULT_LONGEST)
    if role and seconds and not _SHORTEST_SESSION <= int(seconds) <= longest:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        return [], sts._error(400, "ValidationError", message, ns="sts")
    return _read_tags(params, *arguments, **more)
