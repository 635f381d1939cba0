"""What a caller is told who may not do something: AWS's words."""

import re
from typing import Any
from xml.sax.saxutils import escape

from ministack import app
from ministack.core import iam_actions
from ministack.services import s3

from . import authorization, calls, roles

# Services whose text MiniStack has measured, or that answer without one.
_AS_THEY_ARE = {"iot", "iot-data", "logs", "ssm"}

_BUCKET_OF_PATH = re.compile(r"^/([^/]+)/.")

_deny = iam_actions.access_denied_response
_answer_s3 = app.SERVICE_HANDLERS["s3"]
_answer_sts = app.SERVICE_HANDLERS["sts"]

Response = tuple[int, dict, bytes]


def install() -> None:
    """Name the resource in denials and decode EC2's; answer 403 for a missing object to who may not list its bucket."""
    iam_actions.access_denied_response = _access_denied
    app.SERVICE_HANDLERS["s3"] = _s3
    app.SERVICE_HANDLERS["sts"] = _sts


def _access_denied(service: str, action: str, principal_arn: str, request_id: str, **more: Any) -> Response:
    told = more.get("message") or more.get("error_code") or more.get("resource_policy_arn")
    denial = authorization.current_denial()
    if denial is not None and not told:
        # The judgement that failed is often not the one that MiniStack asked about: a role, a tag, another resource.
        action, more["resource_arn"] = denial.action, denial.resource
    if not told and service not in _AS_THEY_ARE:
        resource, explicit = more.get("resource_arn", "*"), bool(more.get("explicit_deny"))
        more["message"] = text(service, action, principal_arn, resource, explicit)
        if service == "ec2" and denial is not None:
            more["message"] += _encoded(denial)
        if service == "lambda" and action.startswith("s3:Get"):
            more["message"] = _of_code(resource) + more["message"]
    return _deny(service, action, principal_arn, request_id, **more)


def _of_code(resource: str) -> str:
    """Lambda reads a function's code in the caller's name, and passes on what S3 said."""
    return (
        "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
        f"{resource.removeprefix('arn:aws:s3:::')}. S3 Error Code: AccessDenied. S3 Error Message: "
    )


def of_launch(denial: authorization.Denial) -> str:
    """What a fleet's error says of a launch that its caller may not make; the code is UnauthorizedOperation."""
    return text("ec2", denial.action, denial.principal, denial.resource, denial.explicit) + _encoded(denial)


def _encoded(denial: authorization.Denial) -> str:
    """EC2 adds more about a denial on a resource, for sts:DecodeAuthorizationMessage."""
    if denial.resource == "*":
        return ""
    return f". Encoded authorization failure message: {authorization.encode(denial)}"


def text(service: str, action: str, principal_arn: str, resource_arn: str, explicit_deny: bool = False) -> str:
    """AWS's sentence for a denial by identity-based policies; EC2 and S3 have ways of their own."""
    named = f'"{resource_arn}"' if action.startswith("s3:") else resource_arn
    where = "" if resource_arn == "*" else f" on resource: {named}"
    why = (
        "with an explicit deny in an identity-based policy"
        if explicit_deny
        else f"because no identity-based policy allows the {action} action"
    )
    sentence = f"User: {principal_arn} is not authorized to perform: {action}{where} {why}"
    return f"You are not authorized to perform this operation. {sentence}" if service == "ec2" else sentence


async def _s3(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
    """Without s3:ListBucket nobody learns whether an object exists: S3 says 403 instead of 404."""
    status, answered, content = await _answer_s3(method, path, headers, body, query_params)
    found = _BUCKET_OF_PATH.match(path)
    principal = calls.current_principal()
    if status != 404 or method not in ("GET", "HEAD") or not found or principal is None:
        return status, answered, content
    bucket = f"arn:aws:s3:::{found[1]}"
    if found[1] not in s3._buckets or roles.principal_allows(principal, "s3:ListBucket", bucket):
        return status, answered, content
    message = text("s3", "s3:ListBucket", principal.arn, bucket)
    calls.record(principal.arn, "s3:ListBucket", bucket, False, "asked by S3, for an object that is not there")
    return _deny("s3", "s3:ListBucket", principal.arn, "", message=message)


async def _sts(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
    """DecodeAuthorizationMessage, which MiniStack lacks."""
    call = authorization.current_call()
    if call is None or call.action != "sts:DecodeAuthorizationMessage":
        return await _answer_sts(method, path, headers, body, query_params)
    decoded = authorization.decode(call.parameters.get("EncodedMessage", ""))
    if decoded is None:
        return _xml(
            400,
            "<Error><Type>Sender</Type><Code>InvalidAuthorizationMessageException</Code>"
            "<Message>The message is not valid.</Message></Error>",
            "ErrorResponse",
        )
    result = f"<DecodedMessage>{escape(decoded)}</DecodedMessage>"
    return _xml(
        200,
        f"<DecodeAuthorizationMessageResult>{result}</DecodeAuthorizationMessageResult>",
        "DecodeAuthorizationMessageResponse",
    )


def _xml(status: int, content: str, root: str) -> Response:
    document = f'<{root} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{content}</{root}>'
    return status, {"Content-Type": "text/xml"}, document.encode()
