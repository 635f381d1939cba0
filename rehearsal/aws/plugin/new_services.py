"""Services that MiniStack does not have: how one that speaks JSON is put beside the others."""

from collections.abc import Awaitable, Callable

from ministack import app
from ministack.core import iam_actions, router


def add(service: str, hosts: str, target: str, handle: Callable[..., Awaitable[tuple]]) -> None:
    """Send handle what asks for the service: by its host name (a regular expression), or by its X-Amz-Target."""
    router.SERVICE_PATTERNS.setdefault(
        service, {"host_patterns": [hosts], "target_prefixes": [target], "credential_scope": service}
    )
    iam_actions.SERVICE_TO_IAM_NAMESPACE.setdefault(service, service)
    app.SERVICE_HANDLERS.setdefault(service, handle)
