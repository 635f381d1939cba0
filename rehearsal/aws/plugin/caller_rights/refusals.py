"""What an event says of a resource that may not be made, changed or deleted: CloudFormation's words."""

import uuid

from .. import denials
from ..authorization import Denial

# The names that the services' clients give themselves in a handler's message.
_CLIENTS = {"logs": "CloudWatchLogs", "cloudformation": "CloudFormation", "events": "EventBridge", "ssm": "Ssm"}

# "Tagging operations": handlers tell these from other denials.
_TAGGING = ("CreateTags", "DeleteTags", "PutBucketTagging", "Tag", "Untag", "AddTags", "RemoveTags")
_TAGGING_HELP = (
    "Encountered a permissions error performing a tagging operation, please add required tag permissions. See "
    "https://repost.aws/knowledge-center/cloudformation-tagging-permission-error for how to resolve. "
)


class NotAuthorized(ValueError):
    """The actor may not do what an operation needs; the text is the event's reason, or the API's message.

    The engine's API answers a ValueError as a ValidationError, and takes back what it had begun.
    """


def sentence(denial: Denial) -> str:
    """The service's own message."""
    service = denial.action.partition(":")[0]
    return denials.text(service, denial.action, denial.principal, denial.resource, denial.explicit)


def of_handler(denial: Denial) -> str:
    """The message of a resource handler that was denied."""
    service, _, name = denial.action.partition(":")
    client = _CLIENTS.get(service, service.capitalize())
    status = 400 if service in ("logs", "ssm", "events", "kms") else 403
    told = f'Resource handler returned message: "{sentence(denial)} {_answer(client, status)}"'
    code = "AccessDenied"
    if name.startswith(_TAGGING):
        told, code = f'Resource handler returned message: "{_TAGGING_HELP}{told}"', "UnauthorizedTaggingOperation"
    return f"{told} (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})"


def of_invocation(denial: Denial) -> str:
    """The message when a custom resource's function may not be invoked."""
    return f"{sentence(denial)} {_answer('Lambda', 403)}"


def _answer(client: str, status: int) -> str:
    return f"(Service: {client}, Status Code: {status}, Request ID: {uuid.uuid4()})"
