"""From a call to all that AWS judges of it: pure functions of the call and of what the account holds."""

from types import ModuleType

from . import (
    catalog,
    catalogs,
    ec2,
    ec2_keys,
    eks,
    functions,
    iam,
    launches,
    load_balancing,
    messaging,
    passing,
    prices,
    quotas,
    records,
    reference,
    sessions,
    stacks,
    web_acls,
)
from .call import NO_RESOURCE, Call, judgement
from .judgements import Judgement
from .state import State

# By IAM prefix. Services that are not here are judged as MiniStack does, on one resource, and on the roles they pass.
_SERVICES: dict[str, ModuleType] = {
    "cloudformation": stacks,
    "ec2": ec2,
    "eks": eks,
    "elasticloadbalancing": load_balancing,
    "events": messaging,
    "glue": catalogs,
    "iam": iam,
    "kms": records,
    "lambda": functions,
    "logs": records,
    "pricing": prices,
    "servicecatalog": catalog,
    "servicequotas": quotas,
    "sqs": messaging,
    "ssm": records,
    "sts": sessions,
    "wafv2": web_acls,
}

# Keys of every request whose values are known here.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL = frozenset(
    f"aws:{name}".lower()
    for name in (
        # Only what CloudFormation asks for its caller has these (caller_rights/actors.py).
        "CalledVia",
        "CalledViaFirst",
        "CalledViaLast",
        "CurrentTime",
        "EpochTime",
        "MultiFactorAuthPresent",
        "PrincipalAccount",
        "PrincipalArn",
        "PrincipalIsAWSService",
        "PrincipalTag/",
        "PrincipalType",
        "RequestedRegion",
        "ResourceAccount",
        "SecureTransport",
        "SourceIp",
        "TokenIssueTime",
        "userid",
        "username",
        "ViaAWSService",
    )
)
_OF_TAGS = frozenset({"aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"})

# What MiniStack tells of S3's requests.
_S3 = frozenset(
    f"s3:{name}".lower()
    for name in (
        "delimiter",
        "ExistingObjectTag/",
        "max-keys",
        "prefix",
        "ResourceAccount",
        "x-amz-acl",
        "x-amz-grant-full-control",
        "x-amz-grant-read",
        "x-amz-grant-read-acp",
        "x-amz-grant-write",
        "x-amz-grant-write-acp",
        "x-amz-server-side-encryption",
    )
)
_JUDGED = {
    "cloudformation": stacks.JUDGED,
    "ec2": ec2_keys.JUDGED,
    "eks": eks.JUDGED,
    "elasticloadbalancing": load_balancing.JUDGED,
    "events": messaging.JUDGED,
    "iam": iam.JUDGED,
    "kms": records.JUDGED,
    "lambda": functions.JUDGED,
    "s3": _S3,
    "servicecatalog": catalog.JUDGED,
    "servicequotas": quotas.JUDGED,
    "ssm": records.JUDGED,
    "sts": sessions.JUDGED | iam.JUDGED,
    "wafv2": web_acls.JUDGED,
}

# Batches are no actions of their own.
_SAME_RIGHT = {
    "sqs:ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "DeleteMessage",
    "sqs:SendMessageBatch": "SendMessage",
    "lambda:Invoke": "InvokeFunction",
    "lambda:InvokeAsync": "InvokeFunction",
    "lambda:InvokeWithResponseStream": "InvokeFunction",
    "lambda:GetFunctionConcurrency": "GetFunctionConcurrency",
}


def of_call(call: Call, state: State) -> list[Judgement] | None:
    """Every judgement of a call, its own first; None for a call of which only the roles it passes are known."""
    service = _service(call)
    if service is None:
        return None
    subjects = service.subjects(call, state)
    if subjects is None:
        return None
    keys = service.keys(call, state)
    action = f"{call.service}:{_SAME_RIGHT.get(call.action, call.operation)}"
    result = [judgement(action, subject, keys) for subject in subjects or [NO_RESOURCE]]
    return _once([*result, *service.also(call, state), *passing.roles(call, state)])


def _service(call: Call) -> ModuleType | None:
    if call.action in ("ec2:RunInstances", "ec2:CreateFleet"):
        return launches
    return _SERVICES.get(call.service)


def _once(judgements: list[Judgement]) -> list[Judgement]:
    result: list[Judgement] = []
    for one in judgements:
        if one not in result:
            result.append(one)
    return result


def known_keys(action: str) -> frozenset[str]:
    """The condition keys, in lower case, that an action is judged with here; "name/" stands for all that begin so.

    A key of a policy that is not among them is missing in every judgement of the action.
    """
    found = reference.action(action)
    own = found.all_keys() if found else frozenset()
    prefix = action.partition(":")[0]
    judged = _JUDGED.get(prefix, frozenset())
    given = {key for key in own if key in judged or key in _OF_TAGS}
    # The key of calls from a function's code is there whatever the action is.
    return frozenset(given | GLOBAL | {"lambda:sourcefunctionarn"})


def is_known(action: str, key: str) -> bool:
    """Whether a condition on key can be met by a judgement of action."""
    return reference.in_family(key, known_keys(action))
