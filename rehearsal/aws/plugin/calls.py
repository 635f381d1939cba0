"""calls.jsonl: what each role did, and whether IAM allowed it."""

import contextvars
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id

_resolve_principal = iam_evaluator.resolve_principal

# The principal of the request that is being served: the server has a context for each.
_principal: contextvars.ContextVar[Any] = contextvars.ContextVar("rehearsal_principal", default=None)

_access_key: contextvars.ContextVar[str] = contextvars.ContextVar("rehearsal_access_key", default="")

_lock = threading.Lock()
_file: Path | None = None


def install(state: Path) -> None:
    """Write the judgements of IAM to state/calls.jsonl; remember who makes the request that is being served."""
    global _file
    _file = state / "calls.jsonl"
    iam_evaluator.resolve_principal = _resolve_and_remember


def record(principal: str, action: str, resource: str, allowed: bool, reason: str) -> None:
    """Add a line: who (an ARN), "service:Action", resource ARN or "*", the outcome, and why."""
    if _file is None:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "principal": principal,
        "action": action,
        "resource": resource,
        "allowed": allowed,
        "reason": reason,
    }
    with _lock, open(_file, "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def current_principal() -> iam_evaluator.PrincipalInfo | None:
    """Who makes the request that is being served; None for the account's root and for nobody."""
    principal = _principal.get()
    limited = isinstance(principal, iam_evaluator.PrincipalInfo) and principal.policies is not None
    return principal if limited else None


def forget_principal(access_key_id: str) -> None:
    """Before another request, with this access key, is judged: nobody is known yet."""
    _principal.set(None)
    _access_key.set(access_key_id)


def asking() -> str:
    """The ARN of who makes the request that is about to be judged; empty if that is not known."""
    found = _resolve_principal(_access_key.get(), get_account_id())
    return found.arn if isinstance(found, iam_evaluator.PrincipalInfo) else ""


def _resolve_and_remember(*arguments: Any, **more: Any) -> Any:
    found = _resolve_principal(*arguments, **more)
    _principal.set(found)
    return found
