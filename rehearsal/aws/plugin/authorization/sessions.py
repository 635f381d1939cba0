"""STS: a role is assumed by who may do so, with the keys of the session that is asked for.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
"""

from typing import Any

from .call import Call, Subject, judgement, listed, request_tags, resource_tags
from .judgements import Judgement
from .state import State

JUDGED = frozenset({"sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys"})


def subjects(call: Call, state: State) -> list[Subject]:
    """The role that is assumed."""
    arn = call.parameters.get("RoleArn")
    if not arn:
        return []
    return [Subject("role", arn, resource_tags(state.iam("role", arn.rsplit("/", 1)[-1]).get("Tags"), "iam"))]


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the session."""
    given = call.parameters
    return {
        "sts:ExternalId": given.get("ExternalId"),
        "sts:RoleSessionName": given.get("RoleSessionName"),
        "sts:SourceIdentity": given.get("SourceIdentity"),
        "sts:TransitiveTagKeys": listed(given.get("TransitiveTagKeys")) or None,
        **request_tags(given.get("Tags")),
    }


def also(call: Call, state: State) -> list[Judgement]:
    """Session tags and a source identity are rights of their own."""
    if call.operation != "AssumeRole":
        return []
    result = []
    for right, parameter in (("sts:TagSession", "Tags"), ("sts:SetSourceIdentity", "SourceIdentity")):
        if call.parameters.get(parameter):
            result += [judgement(right, subject, keys(call, state)) for subject in subjects(call, state)]
    return result
