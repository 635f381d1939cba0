"""Sizes and ranges that Lambda refuses.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

_ENVIRONMENT_BYTES = 4096
_MEMORY = (128, 10_240)
_TIMEOUT = (1, 900)
_EVENT_AGE = (60, 21_600)
_RETRIES = (0, 2)
_SYNCHRONOUS_BYTES = 6 * 1024 * 1024
_ASYNCHRONOUS_BYTES = 1024 * 1024

_RESERVED = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
}

_create_inner = lambda_svc._create_function
_update_inner = lambda_svc._update_config
_invoke_inner = lambda_svc._invoke
_event_inner = lambda_svc._put_event_invoke_config


def install() -> None:
    """Wrap the actions; after functions."""
    global _create_inner, _update_inner
    _create_inner, _update_inner = lambda_svc._create_function, lambda_svc._update_config
    lambda_svc._create_function = lambda data: _refused(configuration_refusal(data)) or _create_inner(data)
    lambda_svc._update_config = lambda name, data: _refused(configuration_refusal(data)) or _update_inner(name, data)
    lambda_svc._invoke = _invoke
    lambda_svc._put_event_invoke_config = _put_event_invoke_config


def _refused(why: str, code: str = "InvalidParameterValueException", status: int = 400) -> tuple | None:
    return error_response_json(code, why, status) if why else None


def _outside(data: dict, member: str, limits: tuple[int, int]) -> str:
    value = data.get(member)
    if value is None or limits[0] <= int(value) <= limits[1]:
        return ""
    return f"'{member}' value {value} must be from {limits[0]} to {limits[1]}"


def configuration_refusal(data: dict) -> str:
    """Why Lambda would not take the configuration, or an empty text."""
    variables = (data.get("Environment") or {}).get("Variables") or {}
    if reserved := sorted(_RESERVED & variables.keys()):
        return (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
            f"this request: {', '.join(reserved)}"
        )
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if variables and size > _ENVIRONMENT_BYTES:
        return (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {size}"
        )
    return _outside(data, "MemorySize", _MEMORY) or _outside(data, "Timeout", _TIMEOUT)


async def _invoke(name: str, event: Any, headers: dict, *arguments: Any, **more: Any) -> tuple:
    kind = next((value for key, value in headers.items() if key.lower() == "x-amz-invocation-type"), "RequestResponse")
    longest = _ASYNCHRONOUS_BYTES if kind == "Event" else _SYNCHRONOUS_BYTES
    size = len(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
    if size > longest:
        why = f"Request must be smaller than {longest} bytes for the InvokeFunction operation"
        return error_response_json("RequestTooLargeException", why, 413)
    return await _invoke_inner(name, event, headers, *arguments, **more)


def _put_event_invoke_config(name: str, qualifier: str | None, data: dict) -> tuple:
    why = _outside(data, "MaximumEventAgeInSeconds", _EVENT_AGE) or _outside(data, "MaximumRetryAttempts", _RETRIES)
    return _refused(why) or _event_inner(name, qualifier, data)
