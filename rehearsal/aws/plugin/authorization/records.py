"""CloudWatch Logs, Systems Manager parameters and KMS keys, by their ARNs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

from collections.abc import Mapping
from typing import Any

from . import reference
from .call import Call, Subject, listed, request_tags, resource_tags, tag_keys, text
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    {
        "kms:calleraccount",
        "kms:encryptionalgorithm",
        "kms:encryptioncontext:",
        "kms:encryptioncontextkeys",
        "kms:granteeprincipal",
        "kms:grantisforawsresource",
        "kms:grantoperations",
        "kms:keyspec",
        "kms:keyusage",
        "kms:multiregion",
        "kms:requestalias",
        "kms:retiringprincipal",
        "kms:viaservice",
        "ssm:overwrite",
        "ssm:recursive",
    }
)

# Calls that Logs judges on the group's plain ARN; all others on the ARN with what is in the group behind it.
_PLAIN_GROUP = {"ListTagsForResource", "TagResource", "UntagResource"}

_PUBLIC_PARAMETERS = "aws/service/"


def subjects(call: Call, state: State) -> list[Subject] | None:
    """What the call names; None where the service has things that are not known here."""
    return {"logs": _logs, "ssm": _ssm, "kms": _kms}[call.service](call, state)


def _logs(call: Call, state: State) -> list[Subject] | None:
    """The ARN of a log group ends in ":log-stream:" when it is judged, even where the call has no stream.

    A policy for "log-group:NAME:*" so allows it, and one for "log-group:NAME" does not.
    """
    given = call.parameters
    action = reference.action(call.action)
    types = action.types if action else ()
    if call.operation in _PLAIN_GROUP:
        arn = given.get("resourceArn") or "*"
        return [Subject("log-group", arn, resource_tags(state.tags(arn)))]
    if not {"log-group", "log-stream"} & set(types) and call.operation != "DescribeLogGroups":
        return None
    group = given.get("logGroupName") or (given.get("logGroupIdentifier") or "").split(":log-group:")[-1]
    if not group and call.operation != "DescribeLogGroups":
        return None
    plain = call.arn("log-group", LogGroupName=group)
    tags = resource_tags(state.tags(plain) or state.tags(f"{plain}:*"))
    stream = given.get("logStreamName", "") if "log-stream" in types else ""
    return [Subject("log-stream" if stream else "log-group", f"{plain}:log-stream:{stream}", tags)]


def _ssm(call: Call, state: State) -> list[Subject] | None:
    given = call.parameters
    if "parameter" not in (found.types if (found := reference.action(call.action)) else ()):
        return None
    names = [*listed(given.get("Name")), *listed(given.get("Names")), *listed(given.get("Path"))]
    if given.get("ResourceType") == "Parameter":
        names += listed(given.get("ResourceId"))
    return [_parameter(call, state, name) for name in names] or None


def _parameter(call: Call, state: State, name: str) -> Subject:
    """AWS's public parameters belong to no account."""
    if name.startswith("arn:"):
        arn = name.rsplit(":", name.count(":") - 5)[0] if name.count(":") > 5 else name
        return Subject("parameter", arn, resource_tags(state.tags(arn)))
    # A version or label may follow the name.
    plain = name.partition(":")[0].removeprefix("/")
    account = {"Account": ""} if plain.startswith(_PUBLIC_PARAMETERS) else {}
    arn = call.arn("parameter", ParameterNameWithoutLeadingSlash=plain, **account)
    return Subject("parameter", arn, resource_tags(state.tags(arn)))


def _kms(call: Call, state: State) -> list[Subject] | None:
    given = call.parameters
    alias, key = given.get("AliasName"), given.get("KeyId") or given.get("TargetKeyId")
    if call.operation == "CreateKey":
        return []
    if not alias and not key:
        return None
    result = []
    if alias:
        result.append(Subject("alias", call.arn("alias", Alias=alias.removeprefix("alias/"))))
        key = key or state.key_of_alias(result[0].arn)
    if key:
        result.append(_key(call, state, key))
    return result


def _key(call: Call, state: State, key: str) -> Subject:
    """A key that is named by its alias is judged as the key, with the alias as a key of the request."""
    identity = key.split(":", 5)[-1]
    found: dict[str, Any] = {}
    if identity.startswith("alias/"):
        found["kms:RequestAlias"] = identity
        alias = call.arn("alias", Alias=identity.removeprefix("alias/"))
        arn = call.arn("key", KeyId=state.key_of_alias(alias) or "*")
    else:
        arn = key if key.startswith("arn:") else call.arn("key", KeyId=identity)
    return Subject("key", arn, {**found, **resource_tags(state.tags(arn))})


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    tags = given.get("Tags") or given.get("tags")
    if call.service == "kms":
        tags = [{"Key": tag.get("TagKey"), "Value": tag.get("TagValue")} for tag in listed(tags)]
    found = {
        **request_tags(tags),
        **tag_keys(listed(given.get("TagKeys") or given.get("tagKeys"))),
    }
    if call.service == "ssm":
        found |= {"ssm:Overwrite": text(given.get("Overwrite")), "ssm:Recursive": text(given.get("Recursive"))}
    return {**found, **(_kms_keys(call) if call.service == "kms" else {})}


def _kms_keys(call: Call) -> dict[str, Any]:
    given = call.parameters
    context: Mapping[str, str] = given.get("EncryptionContext") or {}
    creating = call.operation == "CreateKey"
    return {
        "kms:CallerAccount": call.account,
        "kms:EncryptionAlgorithm": given.get("EncryptionAlgorithm"),
        "kms:EncryptionContextKeys": list(context) or None,
        "kms:GranteePrincipal": given.get("GranteePrincipal"),
        "kms:GrantIsForAWSResource": "false" if call.operation == "CreateGrant" else None,
        "kms:GrantOperations": listed(given.get("Operations")) or None,
        "kms:KeySpec": given.get("KeySpec") or ("SYMMETRIC_DEFAULT" if creating else None),
        "kms:KeyUsage": given.get("KeyUsage") or ("ENCRYPT_DECRYPT" if creating else None),
        "kms:MultiRegion": text(bool(given.get("MultiRegion"))) if creating else None,
        "kms:RetiringPrincipal": given.get("RetiringPrincipal"),
        **{f"kms:EncryptionContext:{name}": value for name, value in context.items()},
    }


def also(call: Call, state: State) -> list[Judgement]:
    """A group that is made with tags is tagged, and so is a key."""
    action, subjects_of = {
        "logs:CreateLogGroup": ("logs:TagResource", lambda: [call.arn("log-group", LogGroupName=_group(call))]),
        "kms:CreateKey": ("kms:TagResource", lambda: ["*"]),
    }.get(call.action, ("", list))
    tags = keys(call, state) if action else {}
    tagging = {name: value for name, value in tags.items() if name.startswith("aws:")}
    return [Judgement(action, arn, tagging) for arn in subjects_of()] if tagging else []


def _group(call: Call) -> str:
    return call.parameters.get("logGroupName") or "*"
