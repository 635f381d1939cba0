"""Services' own roles, which the first use of a service makes and nobody deletes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html. What needs one calls
ensure(); that its caller may make it is for authorization to say.
"""

import json

from ministack.core.responses import get_account_id
from ministack.services import iam

from .authorization.iam import SERVICE_LINKED


def install() -> None:
    """Give the roles AWS's names: MiniStack draws its own."""
    create = iam._IAM_HANDLERS["CreateServiceLinkedRole"]

    def named(params: dict) -> tuple:
        service = iam._p(params, "AWSServiceName")
        if service not in SERVICE_LINKED or iam._p(params, "CustomSuffix"):
            return create(params)
        name = SERVICE_LINKED[service]
        if name in iam._roles:
            text = f"Service role name {name} has been taken in this account, please try a different suffix."
            return iam._error(400, "InvalidInput", text, ns="iam")
        ensure(service)
        body = f"<CreateServiceLinkedRoleResult><Role>{iam._role_xml(name)}</Role></CreateServiceLinkedRoleResult>"
        return iam._xml(200, "CreateServiceLinkedRoleResponse", body, ns="iam")

    iam._IAM_HANDLERS["CreateServiceLinkedRole"] = named


def ensure(service: str) -> None:
    """Make the role of a service (a principal, such as "elasticloadbalancing.amazonaws.com") if there is none."""
    name, path = SERVICE_LINKED[service], f"/aws-service-role/{service}/"
    if name in iam._roles:
        return
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam._roles[name] = {
        "RoleName": name,
        "Arn": f"arn:aws:iam::{get_account_id()}:role{path}{name}",
        "RoleId": iam._gen_id("AROA"),
        "CreateDate": iam._now(),
        "Path": path,
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        "Description": "",
        "MaxSessionDuration": 3600,
        "AttachedPolicies": [],
        "InlinePolicies": {},
        "Tags": [],
    }
