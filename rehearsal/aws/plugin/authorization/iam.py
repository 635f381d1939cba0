"""IAM: roles, users, groups, policies, profiles and providers by their ARNs, which hold their paths.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from typing import Any

from . import reference
from .call import Call, Subject, judgement, listed, request_tags, resource_tags, tag_keys
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    {
        "iam:associatedresourcearn",
        "iam:awsservicename",
        "iam:passedtoservice",
        "iam:permissionsboundary",
        "iam:policyarn",
        "iam:resourcetag/",
    }
)

# The roles that services make for themselves: their names are the services' own.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
SERVICE_LINKED = {
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "ec2fleet.amazonaws.com": "AWSServiceRoleForEC2Fleet",
    "eks.amazonaws.com": "AWSServiceRoleForAmazonEKS",
    "eks-fargate.amazonaws.com": "AWSServiceRoleForAmazonEKSForFargate",
    "eks-nodegroup.amazonaws.com": "AWSServiceRoleForAmazonEKSNodegroup",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "spot.amazonaws.com": "AWSServiceRoleForEC2Spot",
    "spotfleet.amazonaws.com": "AWSServiceRoleForEC2SpotFleet",
}

# (type, parameter that names it, variable of its ARN)
_NAMED = (
    ("role", "RoleName", "RoleNameWithPath"),
    ("user", "UserName", "UserNameWithPath"),
    ("group", "GroupName", "GroupNameWithPath"),
    ("instance-profile", "InstanceProfileName", "InstanceProfileNameWithPath"),
    ("server-certificate", "ServerCertificateName", "CertificateNameWithPath"),
)
_BY_ARN = (
    ("policy", "PolicyArn"),
    ("oidc-provider", "OpenIDConnectProviderArn"),
    ("saml-provider", "SAMLProviderArn"),
)

# Users who may speak of themselves without saying who they are.
_OWN_USER = {
    "ChangePassword",
    "CreateAccessKey",
    "DeleteAccessKey",
    "GetUser",
    "ListAccessKeys",
    "UpdateAccessKey",
}


def subjects(call: Call, state: State) -> list[Subject]:
    """The entities of a call, of the types that the reference gives the action."""
    if call.operation == "CreateServiceLinkedRole":
        return [_service_linked_role(call)]
    action = reference.action(call.action)
    types = action.types if action else ()
    result = []
    for kind, parameter, variable in _NAMED:
        name = call.parameters.get(parameter)
        if name and kind in types:
            result.append(_entity(call, state, kind, name, variable))
    for kind, parameter in _BY_ARN:
        arn = call.parameters.get(parameter)
        if arn and kind in types:
            result.append(Subject(kind, arn, resource_tags(state.iam(kind, arn).get("Tags"), "iam")))
    return result or _made(call, types)


def _made(call: Call, types: tuple[str, ...]) -> list[Subject]:
    path = (call.parameters.get("Path") or "/").removeprefix("/")
    if call.operation == "CreatePolicy":
        return [Subject("policy", call.arn("policy", PolicyNameWithPath=path + call.parameters.get("PolicyName", "*")))]
    if call.operation == "CreateOpenIDConnectProvider":
        host = call.parameters.get("Url", "*").partition("://")[2].rstrip("/")
        return [Subject("oidc-provider", call.arn("oidc-provider", OidcProviderName=host or "*"))]
    if call.operation in _OWN_USER:
        return [Subject("user", call.arn("user"))]
    # A list is judged on the path that it begins with, "role/" for all roles.
    listing = (call.parameters.get("PathPrefix") or "/").removeprefix("/") if call.operation.startswith("List") else "*"
    return [Subject(kind, call.arn(kind).removesuffix("*") + listing) for kind in types[:1]]


def _entity(call: Call, state: State, kind: str, name: str, variable: str) -> Subject:
    stored = kind if kind in ("role", "user", "group", "instance-profile") else ""
    record = state.iam(stored, name) if stored else {}
    path = (call.parameters.get("Path") or "/") if call.operation.startswith("Create") else "/"
    arn = record.get("Arn") or call.arn(kind, **{variable: path.removeprefix("/") + name})
    keys = resource_tags(record.get("Tags"), *(("iam",) if kind in ("role", "user") else ()))
    # The boundary that the request gives, or else the one that the entity has.
    boundary = call.parameters.get("PermissionsBoundary") or record.get("PermissionsBoundary")
    boundary = boundary.get("PermissionsBoundaryArn") if isinstance(boundary, dict) else boundary
    return Subject(kind, arn, {**keys, "iam:PermissionsBoundary": boundary or None})


def _service_linked_role(call: Call) -> Subject:
    service = call.parameters.get("AWSServiceName", "*")
    suffix = call.parameters.get("CustomSuffix")
    name = SERVICE_LINKED.get(service, "AWSServiceRoleFor*") + (f"_{suffix}" if suffix else "")
    return Subject("role", call.arn("role", RoleNameWithPath=f"aws-service-role/{service}/{name}"))


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    return {
        "iam:AWSServiceName": given.get("AWSServiceName"),
        "iam:PolicyARN": given.get("PolicyArn"),
        **request_tags(given.get("Tags")),
        **tag_keys(listed(given.get("TagKeys"))),
    }


# Calls that tag what they make, and the right to.
_TAGGING = {
    "CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "CreatePolicy": "iam:TagPolicy",
    "CreateRole": "iam:TagRole",
    "CreateUser": "iam:TagUser",
}


def also(call: Call, state: State) -> list[Judgement]:
    """What is made with tags is tagged: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_roles.html.

    CreateInstanceProfile is not asked for iam:TagInstanceProfile: Karpenter's policy allows that on profiles with
    its tags only, and lets it make tagged profiles. The role that a profile gets is handed over (passing.py).
    """
    right, tags = _TAGGING.get(call.operation), call.parameters.get("Tags")
    if not right or not tags:
        return []
    return [judgement(right, subject, request_tags(tags)) for subject in subjects(call, state)]
