"""IAM: what MiniStack's handlers of roles, policies and instance profiles leave out."""

import json
from collections.abc import Callable
from pathlib import Path

from ministack.services import iam
from ministack.services.cloudformation import provisioners

from . import resources
from .api import api
from .resources import Properties

# Documents of AWS's managed policies that MiniStack lacks, under the name that ends the policy's ARN, as the reference
# has them (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html):
# roles of nodes and of add-ons call with them. AmazonEBSCSIDriverPolicy is version 15, of May 2026.
_MANAGED = Path(__file__).with_name("managed_policies.json")

# How IAM words its refusals of a delete, by MiniStack's own words.
_WORDS = {
    b"must delete all inline policies first": b"must delete policies first",
    b"must remove role from all instance profiles first": b"must remove roles from instance profile first",
    b"must remove all roles first": b"must remove roles from instance profile first",
}


def install() -> None:
    """Complete roles and instance profiles; refuse what IAM refuses."""
    _know_managed_policies()
    for action in ("DeleteInstanceProfile", "DeleteRole"):
        iam._IAM_HANDLERS[action] = _worded(iam._IAM_HANDLERS[action])
    resources.before_create("AWS::IAM::Role", _role_can_be_made)
    resources.before_create("AWS::IAM::ManagedPolicy", _policy_can_be_made)
    resources.after_create("AWS::IAM::Role", _set_boundary)
    resources.after_update("AWS::IAM::Role", lambda name, old, new: _set_boundary(name, new))
    resources.before_delete("AWS::IAM::Role", _role_is_free)
    resources.before_delete("AWS::IAM::ManagedPolicy", _policy_is_free)
    resources.replace(
        "AWS::IAM::InstanceProfile",
        create=_profile_create,
        update=_profile_update,
        delete=_profile_delete,
        replaced_by=("InstanceProfileName", "Path"),
    )
    resources.add(
        "AWS::IAM::RolePolicy",
        create=_role_policy_create,
        update=_role_policy_update,
        delete=_role_policy_delete,
        replaced_by=("PolicyName", "RoleName"),
    )


def _worded(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        status, headers, body = answer(params)
        for own, words in _WORDS.items():
            body = body.replace(own, words)
        return status, headers, body

    return handle


def _know_managed_policies() -> None:
    for name, document in json.loads(_MANAGED.read_text(encoding="utf-8")).items():
        record = iam._make_aws_managed_record(name, json.dumps(document))
        iam._aws_managed_policies[record["Arn"]] = record


def _role_can_be_made(properties: Properties) -> None:
    name = properties.get("RoleName")
    if name in iam._roles:
        raise RuntimeError(f"{name} already exists")
    for arn in properties.get("ManagedPolicyArns") or []:
        _attachable(arn)


def _attachable(arn: str) -> None:
    if not iam.policy_known(arn):
        raise RuntimeError(
            f"Policy {arn} does not exist or is not attachable. (of AWS's own the rehearsal knows only some)"
        )


def _policy_can_be_made(properties: Properties) -> None:
    name = properties.get("ManagedPolicyName")
    if name and any(policy["PolicyName"] == name for policy in iam._policies.values()):
        raise RuntimeError(f"A policy called {name} already exists. Duplicate names are not allowed.")


def _policy_is_free(arn: str, properties: Properties) -> None:
    """CloudFormation detaches from the entities in the policy's own properties only."""
    own = set(properties.get("Roles") or [])
    users = [name for name, role in iam._roles.items() if arn in role.get("AttachedPolicies", []) and name not in own]
    if users:
        raise RuntimeError(f"Cannot delete a policy attached to entities. ({', '.join(users)})")


def _set_boundary(role_name: str, properties: Properties) -> None:
    boundary = properties.get("PermissionsBoundary")
    if boundary:
        api("iam").put_role_permissions_boundary(RoleName=role_name, PermissionsBoundary=boundary)
    elif iam._roles[role_name].get("PermissionsBoundary"):
        api("iam").delete_role_permissions_boundary(RoleName=role_name)


def _role_is_free(role_name: str, properties: Properties) -> None:
    """Refuse what DeleteRole refuses: CloudFormation takes off only what the role's own properties put on."""
    role = iam._roles.get(role_name)
    if role is None:
        return
    profiles = [name for name, profile in iam._instance_profiles.items() if role_name in profile.get("Roles", [])]
    if profiles:
        raise RuntimeError(
            f"Cannot delete entity, must remove roles from instance profile first. (in {', '.join(profiles)})"
        )
    attached = set(role.get("AttachedPolicies", [])) - set(properties.get("ManagedPolicyArns") or [])
    if attached:
        raise RuntimeError(f"Cannot delete entity, must detach all policies first. ({', '.join(sorted(attached))})")
    own = {policy["PolicyName"] for policy in properties.get("Policies") or []}
    inline = set(role.get("InlinePolicies", {})) - own
    if inline:
        raise RuntimeError(f"Cannot delete entity, must delete policies first. ({', '.join(sorted(inline))})")


def _profile_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    """Ref is the profile's name; MiniStack's handler answers its ARN."""
    name = properties.get("InstanceProfileName") or provisioners._physical_name(stack_name, logical_id, max_len=128)
    profile = api("iam").create_instance_profile(InstanceProfileName=name, Path=properties.get("Path", "/"))
    try:
        for role in properties["Roles"]:
            api("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    except Exception:
        api("iam").delete_instance_profile(InstanceProfileName=name)
        raise
    return name, {"Arn": profile["InstanceProfile"]["Arn"]}


def _profile_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    for role in set(old["Roles"]) - set(new["Roles"]):
        api("iam").remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
    for role in set(new["Roles"]) - set(old["Roles"]):
        api("iam").add_role_to_instance_profile(InstanceProfileName=physical_id, RoleName=role)
    return physical_id, {"Arn": iam._instance_profiles[physical_id]["Arn"]}


def _profile_delete(physical_id: str, properties: Properties) -> None:
    profile = iam._instance_profiles.get(physical_id)
    if profile is None:
        return
    for role in list(profile.get("Roles", [])):
        api("iam").remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
    api("iam").delete_instance_profile(InstanceProfileName=physical_id)


def _role_policy_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    """Ref is the primary identifier, POLICY|ROLE; a policy that is there already is somebody else's."""
    role, policy = properties["RoleName"], properties["PolicyName"]
    if policy in iam._roles.get(role, {}).get("InlinePolicies", {}):
        raise RuntimeError(f"Resource of type 'AWS::IAM::RolePolicy' with identifier '{policy}|{role}' already exists.")
    _put_role_policy(properties)
    return f"{policy}|{role}", {}


def _role_policy_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    _put_role_policy(new)
    return physical_id, {}


def _put_role_policy(properties: Properties) -> None:
    document = properties["PolicyDocument"]
    api("iam").put_role_policy(
        RoleName=properties["RoleName"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=document if isinstance(document, str) else json.dumps(document),
    )


def _role_policy_delete(physical_id: str, properties: Properties) -> None:
    policy, _, role = physical_id.partition("|")
    if policy in iam._roles.get(role, {}).get("InlinePolicies", {}):
        api("iam").delete_role_policy(RoleName=role, PolicyName=policy)
