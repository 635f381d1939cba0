"""CloudFormation: stacks by their ARNs; a stack that is not there yet has any id.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html
"""

from typing import Any

from .call import Call, Subject, listed, request_tags, resource_tags
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    f"cloudformation:{name}".lower()
    for name in (
        "ChangeSetName",
        "ImportResourceTypes",
        "ResourceTypes",
        "RoleArn",
        "StackPolicyUrl",
        "TemplateUrl",
    )
)


def subjects(call: Call, state: State) -> list[Subject]:
    """The stack of the call; a change set is judged on its stack."""
    given = call.parameters
    name = given.get("StackName") or ""
    change_set = given.get("ChangeSetName") or ""
    if not name and change_set.startswith("arn:"):
        return [Subject("changeset", change_set)]
    if not name:
        return []
    stack = state.stack(name)
    arn = stack.get("StackId") or (name if name.startswith("arn:") else call.arn("stack", StackName=name))
    return [Subject("stack", arn, resource_tags(stack.get("Tags")))]


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    change_set = given.get("ChangeSetName") or ""
    imported = [one["ResourceType"] for one in listed(given.get("ResourcesToImport")) if "ResourceType" in one]
    return {
        "cloudformation:ChangeSetName": change_set.split(":changeSet/")[-1].partition("/")[0] or None,
        "cloudformation:ImportResourceTypes": imported or None,
        "cloudformation:ResourceTypes": listed(given.get("ResourceTypes")) or None,
        "cloudformation:RoleArn": given.get("RoleARN"),
        "cloudformation:StackPolicyUrl": given.get("StackPolicyURL"),
        "cloudformation:TemplateUrl": given.get("TemplateURL"),
        **request_tags(given.get("Tags")),
    }


def also(call: Call, state: State) -> list[Judgement]:
    """Nothing besides: what a stack is made of is asked for resource by resource."""
    return []
