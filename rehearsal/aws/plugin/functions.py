"""Lambda functions: the checks of CreateFunction, the functions' environment, and their logs."""

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc, s3

from . import calls, roles

# A new or changed function is Pending for this long.
_PENDING_SECONDS = 0.05

_PRINCIPAL = "lambda.amazonaws.com"

# What CreateFunction looks for in the role of a function in a VPC, each on every resource.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
# https://github.com/hashicorp/terraform-provider-aws/issues/20698 (DeleteNetworkInterface on interfaces is not enough)
_INTERFACE_ACTIONS = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")

# What the launcher is told is nothing that a function would see on AWS. HOME is not set there either.
_HIDDEN_PREFIXES = ("MINISTACK_", "REHEARSAL_", "PYTHON", "LC_")
_HIDDEN = {"AUTH", "BIND_HOST", "EDGE_PORT", "GATEWAY_PORT", "HOME", "OLDPWD", "PWD", "SHLVL", "USE_SSL", "USER", "_"}
_LAMBDA_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/bin"

# How long a busy machine may take to hand over what a function wrote before it answered: for the first line, and after
# the last.
_FIRST_LINE_SECONDS, _LAST_LINE_SECONDS, _ALL_LINES_SECONDS = 0.25, 0.02, 1.0

_drain_output = lambda_runtime.Worker._drain_stderr_bounded
_create_record = lambda_svc._create_function
_update_record = lambda_svc._update_config
_worker_environment = lambda_svc._provided_worker_env

# The log stream of each function, by its log group and name.
_streams: dict[tuple[str, str], str] = {}


def install() -> None:
    """Wrap MiniStack's CreateFunction, UpdateFunctionConfiguration, worker environment and log delivery."""
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = _PENDING_SECONDS
    lambda_svc._create_function = _create_function
    lambda_svc._update_config = _update_configuration
    lambda_svc._provided_worker_env = _environment
    lambda_svc._emit_lambda_logs = _deliver_logs
    lambda_runtime.Worker._drain_stderr_bounded = _patient_drain


def _patient_drain(worker: lambda_runtime.Worker) -> str:
    """MiniStack gives up after 50 ms, and the last lines of a function that is then deleted are lost."""
    return _drain_output(worker, _FIRST_LINE_SECONDS, _LAST_LINE_SECONDS, _ALL_LINES_SECONDS)


def _refused(message: str) -> tuple:
    return error_response_json("InvalidParameterValueException", message, 400)


def _create_function(data: dict) -> tuple:
    code = data.get("Code") or {}
    if "S3Key" in code and not _object_exists(code["S3Bucket"], code["S3Key"]):
        return _refused(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not "
            f"exist. (s3://{code['S3Bucket']}/{code['S3Key']})"
        )
    if not roles.trusts(data.get("Role", ""), _PRINCIPAL):
        return _refused("The role defined for the function cannot be assumed by Lambda.")
    return _interface_refusal(data.get("Role", ""), data.get("FunctionName", ""), data) or _create_record(data)


def _update_configuration(name: str, data: dict) -> tuple:
    record = lambda_svc._functions.get(name)
    role = data.get("Role") or (record["config"]["Role"] if record else "")
    return _interface_refusal(role, name, data) or _update_record(name, data)


def _object_exists(bucket: str, key: str) -> bool:
    held = s3._buckets.get(bucket)
    return held is not None and key in held["objects"]


def _interface_refusal(role: str, function: str, data: dict) -> tuple | None:
    """Lambda makes a function's network interfaces with the function's own role."""
    if not (data.get("VpcConfig") or {}).get("SubnetIds"):
        return None
    for action in _INTERFACE_ACTIONS:
        if not _may(role, function, f"ec2:{action}", "*", "network interfaces"):
            return _refused(f"The provided execution role does not have permissions to call {action} on EC2")
    return None


def _may(role: str, function: str, action: str, resource: str, purpose: str) -> bool:
    allowed = roles.allows(role, function, action, resource)
    calls.record(
        roles.session_arn(role, function), action, resource, allowed, f"asked by Lambda, for the function's {purpose}"
    )
    return allowed


def _environment(config: dict, code_dir: str, port: int) -> dict[str, str]:
    made = _worker_environment(config, code_dir, port)
    own = (config.get("Environment") or {}).get("Variables") or {}
    for name in list(made):
        if name not in own and (name in _HIDDEN or name.startswith(_HIDDEN_PREFIXES)):
            del made[name]
    given = {
        "PATH": f"{_LAMBDA_PATH}:{os.environ.get('PATH', '')}",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream(config),
    }
    # By this, aws-lambda-go's logger writes JSON.
    if log_format := (config.get("LoggingConfig") or {}).get("LogFormat"):
        given["AWS_LAMBDA_LOG_FORMAT"] = log_format
    return {**made, **{name: value for name, value in given.items() if name not in own}}


def log_group(config: dict) -> str:
    """Where the function's logs go: LoggingConfig.LogGroup, or /aws/lambda/NAME."""
    return (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"


def log_stream(config: dict) -> str:
    """The stream that a function is told of, and that its lines are in.

    In a group of one's own the name has the function's (Lambda Developer Guide, "Configuring CloudWatch log groups").
    On AWS each execution environment has a stream; here those of one function share it.
    """
    group, name = log_group(config), config["FunctionName"]
    owner = "" if group == f"/aws/lambda/{name}" else name
    version = config.get("Version", "$LATEST")
    new = f"{datetime.now(UTC):%Y/%m/%d}/{owner}[{version}]{uuid.uuid4().hex}"
    return _streams.setdefault((group, name), new)


def _deliver_logs(
    function: dict, request_id: str, text: str, _error: bool, duration_ms: int, **_more: Any
) -> None:
    """Deliver only what the role lets Lambda deliver: otherwise the lines are lost, as on AWS.

    A log group that is gone comes back only if the role may make it.
    """
    config = function.get("config") or function
    group = log_group(config)
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}"
    needed = [("logs:CreateLogStream", f"{arn}:*"), ("logs:PutLogEvents", f"{arn}:log-stream:*")]
    if group not in cloudwatch_logs._log_groups:
        needed.insert(0, ("logs:CreateLogGroup", f"{arn}:*"))
    for action, resource in needed:
        if not _may(config["Role"], config["FunctionName"], action, resource, "logs"):
            return
    begin = f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"
    memory = config.get("MemorySize", 128)
    report = f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms\tMemory Size: {memory} MB"
    _append(group, log_stream(config), [begin, *(text or "").splitlines(), f"END RequestId: {request_id}", report])


def _append(group_name: str, stream_name: str, lines: list[str]) -> None:
    now = int(time.time() * 1000)
    group = cloudwatch_logs._log_groups.setdefault(
        group_name,
        {
            "arn": cloudwatch_logs._make_group_arn(group_name),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        },
    )
    stream = group["streams"].setdefault(
        stream_name,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )
    cloudwatch_logs._append_log_events(
        stream, [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
    )
