"""IAM: the OIDC provider, and what MiniStack's role handler leaves out."""

from ministack.services import iam

from . import resources
from .api import api
from .resources import Properties, tag_list

# What EKS's issuers had before AWS verified them by its own trust store; the API still wants one.
_THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"


def install() -> None:
    """Add AWS::IAM::OIDCProvider; give roles their boundary and refuse their deletion as AWS does."""
    resources.add(
        "AWS::IAM::OIDCProvider",
        create=_oidc_create,
        update=_oidc_update,
        delete=_oidc_delete,
        replaced_by=("Url",),
        tags="list",
    )
    resources.after_create("AWS::IAM::Role", lambda name, new: _set_boundary(name, new))
    resources.after_update("AWS::IAM::Role", lambda name, old, new: _set_boundary(name, new))
    resources.before_delete("AWS::IAM::Role", _role_is_free)


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
            f"Cannot delete entity, must remove roles from instance profile first. ({role_name} is in {', '.join(profiles)})"
        )
    attached = set(role.get("AttachedPolicies", [])) - set(properties.get("ManagedPolicyArns") or [])
    if attached:
        raise RuntimeError(f"Cannot delete entity, must detach all policies first. ({', '.join(sorted(attached))})")
    own = {policy["PolicyName"] for policy in properties.get("Policies") or []}
    inline = set(role.get("InlinePolicies", {})) - own
    if inline:
        raise RuntimeError(f"Cannot delete entity, must delete policies first. ({', '.join(sorted(inline))})")


def _oidc_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    answer = api("iam").create_open_id_connect_provider(
        Url=properties["Url"],
        ClientIDList=properties.get("ClientIdList") or [],
        ThumbprintList=properties.get("ThumbprintList") or [_THUMBPRINT],
        Tags=tag_list(properties),
    )
    arn = answer["OpenIDConnectProviderArn"]
    return arn, {"Arn": arn}


def _oidc_update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> tuple[str, dict]:
    before, after = set(old.get("ClientIdList") or []), set(new.get("ClientIdList") or [])
    for client_id in sorted(after - before):
        api("iam").add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=physical_id, ClientID=client_id)
    for client_id in sorted(before - after):
        api("iam").remove_client_id_from_open_id_connect_provider(
            OpenIDConnectProviderArn=physical_id, ClientID=client_id
        )
    api("iam").update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=physical_id, ThumbprintList=new.get("ThumbprintList") or [_THUMBPRINT]
    )
    gone = {t["Key"] for t in tag_list(old)} - {t["Key"] for t in tag_list(new)}
    if gone:
        api("iam").untag_open_id_connect_provider(OpenIDConnectProviderArn=physical_id, TagKeys=sorted(gone))
    if tag_list(new):
        api("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=physical_id, Tags=tag_list(new))
    return physical_id, {"Arn": physical_id}


def _oidc_delete(physical_id: str, properties: Properties) -> None:
    api("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=physical_id)
