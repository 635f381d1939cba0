"""What the account holds, as far as IAM looks at it: the lookups that the rules are given."""

from collections.abc import Mapping
from typing import Any

from ministack.services import alb, ec2, eks, iam, kms, lambda_svc, tagging, waf
from ministack.services.cloudformation import _stacks

from . import departed

_EC2_STORES = {
    "instance": ec2._instances,
    "security-group": ec2._security_groups,
    "vpc": ec2._vpcs,
    "subnet": ec2._subnets,
    "internet-gateway": ec2._internet_gateways,
    "elastic-ip": ec2._addresses,
    "route-table": ec2._route_tables,
    "network-interface": ec2._network_interfaces,
    "vpc-endpoint": ec2._vpc_endpoints,
    "volume": ec2._volumes,
    "snapshot": ec2._snapshots,
    "natgateway": ec2._nat_gateways,
    "network-acl": ec2._network_acls,
    "launch-template": ec2._launch_templates,
    "fleet": ec2._fleets,
    "placement-group": ec2._placement_groups,
    "key-pair": ec2._key_pairs,
}

Record = Mapping[str, Any]

_departed = departed.Memory()


def remember_departed() -> None:
    """From now on, know for some minutes what EC2 had."""
    departed.watch(_EC2_STORES.values(), ec2._tags, _departed)


class State:
    """Reads MiniStack's state of the request's account and region."""

    # --- EC2

    def ec2(self, resource_type: str, identity: str) -> Record:
        """The record of a resource by its id, which may have gone a moment ago, or an empty one."""
        if resource_type == "image":
            # What finds images asks this package for rights.
            from ..compute import images

            return images.find(identity) or {}
        store = _EC2_STORES.get(resource_type)
        found = store.get(identity) if store is not None else None
        gone = None if found else _departed.find(identity)
        return gone.record if gone else found or {}

    def ec2_all(self, resource_type: str) -> list[Record]:
        """The records of all resources of a type."""
        return list(_EC2_STORES[resource_type].values())

    def ec2_tags(self, resource_type: str, identity: str) -> list[Mapping[str, str]]:
        """The tags of a resource, which may have gone a moment ago. MiniStack keeps those of many that are gone."""
        store = _EC2_STORES.get(resource_type)
        if store is None or identity in store:
            return ec2._tags.get(identity) or []
        gone = _departed.find(identity)
        return gone.tags if gone else []

    def launch_template(self, specification: Record) -> Record:
        """The record of the template that LaunchTemplateId or LaunchTemplateName names, or an empty one."""
        found = ec2._launch_templates.get(specification.get("LaunchTemplateId") or "")
        name = specification.get("LaunchTemplateName")
        by_name = (one for one in ec2._launch_templates.values() if name and one["LaunchTemplateName"] == name)
        return found or next(by_name, {})

    def associated_instance(self, association: str) -> str:
        """The instance of an instance profile's association; empty when there is none."""
        return (ec2._iam_instance_profile_associations.get(association) or {}).get("InstanceId", "")

    # --- IAM

    def iam(self, kind: str, name: str) -> Record:
        """The record of a role, user, group, policy (by ARN), instance-profile or oidc-provider (by ARN)."""
        stores = {
            "role": iam._roles,
            "user": iam._users,
            "group": iam._groups,
            "policy": iam._policies,
            "instance-profile": iam._instance_profiles,
            "oidc-provider": iam._oidc_providers,
        }
        return stores[kind].get(name) or {}

    def profile_roles(self, profile: str) -> list[str]:
        """The ARNs of the roles in an instance profile, named by name or ARN."""
        names = self.iam("instance-profile", profile.rsplit("/", 1)[-1]).get("Roles") or []
        roles = (self.iam("role", name) for name in names)
        return [role["Arn"] for role in roles if role]

    # --- EKS

    def eks(self, kind: str, cluster: str, name: str = "") -> Record:
        """The record of a cluster, nodegroup, addon, access-entry (by principal) or podidentityassociation."""
        stores: dict[str, tuple[Any, str]] = {
            "cluster": (eks._clusters, cluster),
            "nodegroup": (eks._nodegroups, f"{cluster}/{name}"),
            "addon": (eks._addons, f"{cluster}/{name}"),
            "access-entry": (eks._access_entries, f"{cluster}\x00{name}"),
            "podidentityassociation": (eks._pod_identity_associations, f"{cluster}\x00{name}"),
        }
        store, key = stores.get(kind, ({}, ""))
        return store.get(key) or {}

    # --- others

    def load_balancer(self, arn: str) -> Record:
        """The record of a load balancer by its ARN."""
        return alb._lbs.get(arn) or {}

    def web_acl_of(self, resource_arn: str) -> str:
        """The ARN of the web ACL that guards a resource; empty when there is none."""
        return waf._associations.get(resource_arn) or ""

    def web_acl_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a web ACL, an IP set or a rule group, by its ARN."""
        return {tag["Key"]: tag["Value"] for tag in waf._waf_tags.get(arn) or []}

    def function(self, name: str) -> Record:
        """The configuration of a function, by name."""
        return (lambda_svc._functions.get(name) or {}).get("config") or {}

    def stack(self, name: str) -> Record:
        """The record of a stack that is there, by name or ARN, or an empty one."""
        for stack in _stacks.values():
            gone = stack.get("StackStatus") == "DELETE_COMPLETE"
            if name == stack.get("StackId") or (name == stack.get("StackName") and not gone):
                return stack
        return {}

    def key_of_alias(self, alias_arn: str) -> str:
        """The id of the key that an alias's ARN stands for; empty when there is none."""
        return kms._aliases.get(alias_arn) or ""

    def tags(self, arn: str) -> Mapping[str, str]:
        """The tags of any resource, by its ARN."""
        if "*" in arn:
            return {}
        if arn.split(":")[2:3] == ["eks"]:
            return self._eks_tags(arn)
        if arn in alb._tags:
            return {tag["Key"]: tag["Value"] for tag in alb._tags[arn]}
        return tagging.resource_tags(arn) or {}

    def _eks_tags(self, arn: str) -> Mapping[str, str]:
        records = (*eks._clusters.values(), *eks._nodegroups.values(), *eks._addons.values())
        own = next(
            (one for one in records if arn in (one.get("arn"), one.get("nodegroupArn"), one.get("addonArn"))), {}
        )
        return {**(own.get("tags") or {}), **(eks._tags.get(arn) or {})}
