"""EKS: clusters, updates, access entries, add-ons, node groups, tokens."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request

from account import (
    ACCOUNT,
    REGION,
    Conformance,
    active_cluster,
    aws,
    caller,
    client,
    cluster,
    cluster_request,
    eventually,
    fresh,
    new_cluster,
    parts,
    service_role,
    session,
    subnet,
    vpc,
)
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner
from claims import claim

_API = "https://docs.aws.amazon.com/eks/latest/APIReference/API_"
_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"
_CLUSTER = "AWS::EKS::Cluster"
_ENTRY = "AWS::EKS::AccessEntry"
_GROUP = "AWS::EKS::Nodegroup"
_VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
# EKS applies access entries and policies some seconds after it said that it has them.
_PATIENCE = 30
_AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def finished(name: str, update: dict, **owner: str) -> dict:
    """The update when it is over."""
    describe = client("eks").describe_update

    def over() -> dict | None:
        found = describe(name=name, updateId=update["id"], **owner)["update"]
        return found if found["status"] != "InProgress" else None

    return eventually(over)


def token(name: str, credentials: dict | None = None, expires: int = 60, host: str = "", named: str = "") -> str:
    """A token as `aws eks get-token` makes it."""
    sts = client("sts", credentials)
    signer = RequestSigner(
        sts.meta.service_model.service_id, REGION, "sts", "v4", sts._request_signer._credentials, sts.meta.events
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://{host or f'sts.{REGION}.amazonaws.com'}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": named or name},
            "context": {},
        },
        region_name=REGION,
        expires_in=expires,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def kubernetes(record: dict, bearer: str, path: str = "/api/v1/namespaces/default/pods") -> int:
    """The status of a GET with the token."""
    context = ssl.create_default_context(cadata=base64.b64decode(record["certificateAuthority"]["data"]).decode())
    request = urllib.request.Request(record["endpoint"] + path, headers={"Authorization": f"Bearer {bearer}"})
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def mapped(record: dict, bearer: str) -> str:
    """The text of aws-auth, empty if there is none."""
    context = ssl.create_default_context(cadata=base64.b64decode(record["certificateAuthority"]["data"]).decode())
    request = urllib.request.Request(record["endpoint"] + _AWS_AUTH, headers={"Authorization": f"Bearer {bearer}"})
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.load(answer)["data"]["mapRoles"]
    except urllib.error.HTTPError as missing:
        missing.close()
        return ""


def granted(record: dict, bearer: str, path: str = "/api/v1/namespaces/default/pods") -> int:
    """The status of a GET once it is 200, or the last one before patience ends."""
    deadline = time.monotonic() + _PATIENCE
    while (status := kubernetes(record, bearer, path)) != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    return status


_owned: dict[str, tuple[dict, str]] = {}


def owned(mode: str) -> tuple[dict, str]:
    """A cluster of that mode and a token of its creator's; one for all checks that leave it as it is."""
    if mode not in _owned:
        _owned[mode] = new_owned(mode)
    return _owned[mode]


def new_owned(mode: str) -> tuple[dict, str]:
    """A cluster of one check and a token of its creator's, a role with a path."""
    cluster()
    creator = caller(all=parts.allow(["eks:*", "ec2:*", "iam:*", "logs:*"]), path="/teams/")
    request = cluster_request(accessConfig={"authenticationMode": mode})
    client("eks", session(creator)).create_cluster(**request)
    return active_cluster(request["name"]), token(request["name"], session(creator))


def node_group(record: dict, name: str, **more: object) -> None:
    """A node group without nodes."""
    client("eks").create_nodegroup(
        **{
            "clusterName": record["name"],
            "nodegroupName": name,
            "nodeRole": service_role("ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy"),
            "subnets": record["resourcesVpcConfig"]["subnetIds"][:1],
            "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 1},
            **more,
        }
    )


class Clusters(Conformance):
    area = "EKS clusters"

    @claim(
        "A cluster's name has letters, digits, hyphens and underscores, at most 100, a letter or digit first.",
        f"{_API}CreateCluster.html",
        _CLUSTER,
    )
    def test_name(self) -> None:
        for name in ("-first", "with.dot", "x" * 101):
            with self.subTest(name), self.refused("InvalidParameterException"):
                client("eks").create_cluster(**{**cluster_request(), "name": name})

    @claim("Names are unique in account and region: ResourceInUseException.", f"{_API}CreateCluster.html", _CLUSTER)
    def test_same_name(self) -> None:
        with self.refused("ResourceInUseException"):
            client("eks").create_cluster(**{**cluster_request(), "name": cluster()["name"]})

    @claim("A Kubernetes version that EKS does not offer is refused.", f"{_GUIDE}kubernetes-versions.html", _CLUSTER)
    def test_version(self) -> None:
        with self.refused("InvalidParameterException", "unsupported Kubernetes version"):
            client("eks").create_cluster(**cluster_request(version="1.12"))

    @claim("The subnets are in at least two zones.", f"{_GUIDE}network-reqs.html", _CLUSTER)
    def test_zones(self) -> None:
        network = vpc()
        both = [subnet(network, "10.0.0.0/24"), subnet(network, "10.0.1.0/24")]
        with self.refused("InvalidParameterException", "at least two different AZs"):
            client("eks").create_cluster(**cluster_request(resourcesVpcConfig={"subnetIds": both}))

    @claim("Some zones take no clusters: UnsupportedAvailabilityZoneException.", f"{_GUIDE}network-reqs.html", _CLUSTER)
    def test_unsupported_zone(self) -> None:
        network = vpc()
        both = [subnet(network, "10.0.0.0/24"), subnet(network, "10.0.1.0/24", "c")]
        with self.refused("UnsupportedAvailabilityZoneException"):
            client("eks").create_cluster(**cluster_request(resourcesVpcConfig={"subnetIds": both}))

    @claim("The role must trust eks.amazonaws.com.", f"{_GUIDE}cluster-iam-role.html", _CLUSTER, "iam:PassRole")
    def test_role(self) -> None:
        with self.refused("InvalidParameterException", "could not be assumed"):
            client("eks").create_cluster(**cluster_request(roleArn=service_role("ec2.amazonaws.com")))

    @claim(
        "The block of Services is private, /12 to /24, and does not overlap with the VPC.",
        f"{_API}KubernetesNetworkConfigRequest.html",
        _CLUSTER,
    )
    def test_services(self) -> None:
        for block in ("8.8.0.0/16", "10.0.0.0/8", "172.20.0.0/25", "10.0.0.0/16"):
            with self.subTest(block), self.refused("InvalidParameterException"):
                client("eks").create_cluster(**cluster_request(kubernetesNetworkConfig={"serviceIpv4Cidr": block}))

    @claim(
        "Without a block Services get 10.100.0.0/16 or 172.20.0.0/16.",
        f"{_API}KubernetesNetworkConfigRequest.html",
        _CLUSTER,
    )
    def test_default_services(self) -> None:
        block = cluster()["kubernetesNetworkConfig"]["serviceIpv4Cidr"]
        self.assertIn(block, ("10.100.0.0/16", "172.20.0.0/16"))

    @claim("Not both endpoints can be off.", f"{_GUIDE}cluster-endpoint.html", _CLUSTER)
    def test_endpoints(self) -> None:
        request = cluster_request()
        request["resourcesVpcConfig"] |= {"endpointPrivateAccess": False, "endpointPublicAccess": False}
        with self.refused("InvalidParameterException", "cannot be false"):
            client("eks").create_cluster(**request)

    @claim(
        "The log types are api, audit, authenticator, controllerManager and scheduler.",
        f"{_GUIDE}control-plane-logs.html",
        _CLUSTER,
    )
    def test_log_types(self) -> None:
        logging = {"clusterLogging": [{"types": ["kubelet"], "enabled": True}]}
        with self.refused("InvalidParameterException"):
            client("eks").create_cluster(**cluster_request(logging=logging))

    @claim(
        "EKS writes control plane logs to /aws/eks/NAME/cluster, and makes the group.",
        f"{_GUIDE}control-plane-logs.html",
        _CLUSTER,
        "AWS::Logs::LogGroup",
    )
    def test_log_group(self) -> None:
        made = new_cluster(logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]})
        group = f"/aws/eks/{made['name']}/cluster"
        found = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        self.assertEqual([g["logGroupName"] for g in found], [group])

    @claim(
        "EKS makes a security group for the cluster, tagged kubernetes.io/cluster/NAME=owned and aws:eks:cluster-name.",
        f"{_GUIDE}sec-group-reqs.html",
        _CLUSTER,
        "AWS::EC2::SecurityGroupIngress",
    )
    def test_security_group(self) -> None:
        record = cluster()
        group = client("ec2").describe_security_groups(
            GroupIds=[record["resourcesVpcConfig"]["clusterSecurityGroupId"]]
        )
        made = group["SecurityGroups"][0]
        self.assertTrue(made["GroupName"].startswith(f"eks-cluster-sg-{record['name']}"))
        self.assertIn({"Key": f"kubernetes.io/cluster/{record['name']}", "Value": "owned"}, made["Tags"])
        self.assertIn({"Key": "aws:eks:cluster-name", "Value": record["name"]}, made["Tags"])

    @claim("A cluster with node groups is not deleted.", f"{_API}DeleteCluster.html", _CLUSTER, _GROUP)
    def test_delete_with_groups(self) -> None:
        record = cluster()
        role = service_role("ec2.amazonaws.com")
        client("eks").create_nodegroup(
            clusterName=record["name"],
            nodegroupName="holds",
            nodeRole=role,
            subnets=record["resourcesVpcConfig"]["subnetIds"],
            scalingConfig={"minSize": 0, "desiredSize": 0, "maxSize": 1},
        )
        with self.refused("ResourceInUseException"):
            client("eks").delete_cluster(name=record["name"])
        client("eks").delete_nodegroup(clusterName=record["name"], nodegroupName="holds")

    @claim("A cluster with deletion protection is not deleted.", f"{_GUIDE}deletion-protection.html", _CLUSTER)
    def test_deletion_protection(self) -> None:
        made = new_cluster(deletionProtection=True)
        with self.refused("InvalidRequestException"):
            client("eks").delete_cluster(name=made["name"])
        update = client("eks").update_cluster_config(name=made["name"], deletionProtection=False)["update"]
        finished(made["name"], update)
        client("eks").delete_cluster(name=made["name"])

    @claim(
        "A subnet or security group that a cluster uses is not deleted.",
        f"{_GUIDE}network-reqs.html",
        _CLUSTER,
        "AWS::EC2::Subnet",
    )
    def test_subnet_in_use(self) -> None:
        with self.refused("DependencyViolation"):
            client("ec2").delete_subnet(SubnetId=cluster()["resourcesVpcConfig"]["subnetIds"][0])

    @claim(
        "What is tagged and untagged shows in the description of a cluster and of an access entry.",
        f"{_API}TagResource.html",
        _CLUSTER,
        _ENTRY,
    )
    def test_tags(self) -> None:
        eks, name, principal = client("eks"), cluster()["name"], caller()
        entry = eks.create_access_entry(clusterName=name, principalArn=principal, tags={"a": "1"})["accessEntry"]
        for arn, described in (
            (cluster()["arn"], lambda: eks.describe_cluster(name=name)["cluster"]),
            (
                entry["accessEntryArn"],
                lambda: eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"],
            ),
        ):
            eks.tag_resource(resourceArn=arn, tags={"b": "2", "c": "3"})
            eks.untag_resource(resourceArn=arn, tagKeys=["a", "b"])
            self.assertEqual(described()["tags"], {"c": "3"})


class Updates(Conformance):
    area = "EKS updates"

    @claim(
        "The authentication mode goes from CONFIG_MAP to API_AND_CONFIG_MAP to API, and never back.",
        f"{_GUIDE}setting-up-access-entries.html",
        _CLUSTER,
    )
    def test_mode(self) -> None:
        made = new_cluster("CONFIG_MAP", accessConfig={"authenticationMode": "CONFIG_MAP"})
        name = made["name"]
        with self.refused("InvalidParameterException", "Unsupported authentication mode update"):
            client("eks").update_cluster_config(name=name, accessConfig={"authenticationMode": "API"})
        for mode in ("API_AND_CONFIG_MAP", "API"):
            update = client("eks").update_cluster_config(name=name, accessConfig={"authenticationMode": mode})["update"]
            self.assertEqual((update["type"], update["status"]), ("AccessConfigUpdate", "InProgress"))
            self.assertEqual(finished(name, update)["status"], "Successful")
            self.assertEqual(active_cluster(name)["accessConfig"]["authenticationMode"], mode)
        with self.refused("InvalidParameterException", "Unsupported authentication mode update"):
            client("eks").update_cluster_config(name=name, accessConfig={"authenticationMode": "CONFIG_MAP"})

    @claim(
        "A cluster takes one update at a time, and is UPDATING meanwhile.", f"{_API}UpdateClusterConfig.html", _CLUSTER
    )
    def test_one_at_a_time(self) -> None:
        # An update takes an instant here: on a busy machine it can be over before the next question.
        tries = (["api"], ["audit"], ["api"], ["audit"], ["api"])
        self.assertTrue(any(self._second_is_refused(types) for types in tries))

    def _second_is_refused(self, types: list[str]) -> bool:
        """Whether a second update was seen to be refused while the first one ran."""
        name = cluster()["name"]
        others = [one for one in ("api", "audit") if one not in types]
        update = client("eks").update_cluster_config(
            name=name,
            logging={"clusterLogging": [{"types": types, "enabled": True}, {"types": others, "enabled": False}]},
        )["update"]
        meanwhile = client("eks").describe_cluster(name=name)["cluster"]["status"]
        try:
            second = client("eks").update_cluster_config(name=name, resourcesVpcConfig={"endpointPublicAccess": False})
        except ClientError as refusal:
            self.assertEqual(refusal.response["Error"]["Code"], "ResourceInUseException")
            second = None
        finished(name, update)
        logging = active_cluster(name)["logging"]["clusterLogging"]
        self.assertLessEqual(set(types), set(next(one["types"] for one in logging if one["enabled"])))
        if second:
            finished(name, second["update"])
            back = client("eks").update_cluster_config(name=name, resourcesVpcConfig={"endpointPublicAccess": True})
            finished(name, back["update"])
        return second is None and meanwhile == "UPDATING"

    @claim("One call changes one thing only.", f"{_API}UpdateClusterConfig.html", _CLUSTER)
    def test_one_kind_at_a_time(self) -> None:
        with self.refused("InvalidParameterException", "Only one type of update"):
            client("eks").update_cluster_config(
                name=cluster()["name"],
                resourcesVpcConfig={"endpointPublicAccess": False},
                upgradePolicy={"supportType": "STANDARD"},
            )

    @claim("An update to what already is, is refused.", f"{_API}UpdateClusterConfig.html", _CLUSTER)
    def test_no_change(self) -> None:
        record = cluster()
        same = {"endpointPublicAccess": record["resourcesVpcConfig"]["endpointPublicAccess"]}
        with self.refused("InvalidParameterException", "already at the desired configuration"):
            client("eks").update_cluster_config(name=record["name"], resourcesVpcConfig=same)

    @claim("The public endpoint's blocks can be changed.", f"{_GUIDE}cluster-endpoint.html", _CLUSTER)
    def test_public_blocks(self) -> None:
        name = cluster()["name"]
        update = client("eks").update_cluster_config(
            name=name, resourcesVpcConfig={"publicAccessCidrs": ["203.0.113.0/24"]}
        )["update"]
        self.assertEqual(update["type"], "EndpointAccessUpdate")
        finished(name, update)
        self.assertEqual(active_cluster(name)["resourcesVpcConfig"]["publicAccessCidrs"], ["203.0.113.0/24"])

    @claim("The version goes up by one minor version, never down.", f"{_GUIDE}update-cluster.html", _CLUSTER)
    def test_version(self) -> None:
        made = new_cluster(version="1.34")
        for version in ("1.33", "1.36"):
            with self.subTest(version), self.refused("InvalidParameterException"):
                client("eks").update_cluster_version(name=made["name"], version=version)
        update = client("eks").update_cluster_version(name=made["name"], version="1.35")["update"]
        self.assertEqual(update["type"], "VersionUpdate")
        finished(made["name"], update)
        self.assertEqual(active_cluster(made["name"])["version"], "1.35")

    @claim("DescribeUpdate knows the updates of the cluster, and no others.", f"{_API}DescribeUpdate.html", _CLUSTER)
    def test_unknown_update(self) -> None:
        with self.refused("ResourceNotFoundException"):
            client("eks").describe_update(name=cluster()["name"], updateId="00000000-0000-0000-0000-000000000000")

    @claim(
        "CloudFormation changes a cluster's logs, endpoints, mode and version in place.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-eks-cluster.html",
        _CLUSTER,
    )
    def test_by_cloudformation(self) -> None:
        cluster()
        wanted = cluster_request(version="1.34")
        properties = {
            "Name": wanted["name"],
            "Version": "1.34",
            "RoleArn": wanted["roleArn"],
            "ResourcesVpcConfig": {
                "SubnetIds": wanted["resourcesVpcConfig"]["subnetIds"],
                "EndpointPrivateAccess": True,
            },
            "AccessConfig": {"AuthenticationMode": "CONFIG_MAP"},
        }
        name = self.stack({"C": {"Type": _CLUSTER, "Properties": properties}})
        self.holds(name)
        changed = {
            **properties,
            "Version": "1.35",
            "ResourcesVpcConfig": {**properties["ResourcesVpcConfig"], "EndpointPublicAccess": False},
            "AccessConfig": {"AuthenticationMode": "API_AND_CONFIG_MAP"},
            "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "audit"}]}},
        }
        self.assertEqual(
            self.update(name, {"C": {"Type": _CLUSTER, "Properties": changed}}), "UPDATE_COMPLETE", aws().reasons(name)
        )
        record = client("eks").describe_cluster(name=wanted["name"])["cluster"]
        self.assertEqual(record["version"], "1.35")
        self.assertEqual(record["accessConfig"]["authenticationMode"], "API_AND_CONFIG_MAP")
        self.assertFalse(record["resourcesVpcConfig"]["endpointPublicAccess"])
        self.assertEqual(len(client("eks").list_updates(name=wanted["name"])["updateIds"]), 4)


class AccessEntries(Conformance):
    area = "EKS access entries"

    def entry(self, principal: str = "", **more: object) -> str:
        principal = principal or caller()
        client("eks").create_access_entry(clusterName=cluster()["name"], principalArn=principal, **more)
        return principal

    @claim("A principal has one entry in a cluster: ResourceInUseException.", f"{_API}CreateAccessEntry.html", _ENTRY)
    def test_twice(self) -> None:
        principal = self.entry()
        with self.refused("ResourceInUseException"):
            self.entry(principal)

    @claim("The mode CONFIG_MAP knows no entries.", f"{_GUIDE}setting-up-access-entries.html", _ENTRY)
    def test_mode(self) -> None:
        made, _ = owned("CONFIG_MAP")
        eks, entry = client("eks"), {"clusterName": made["name"], "principalArn": caller()}
        for call in (
            lambda: eks.list_access_entries(clusterName=made["name"]),
            lambda: eks.create_access_entry(**entry),
            lambda: eks.describe_access_entry(**entry),
            lambda: eks.update_access_entry(**entry, username="me"),
            lambda: eks.delete_access_entry(**entry),
            lambda: eks.associate_access_policy(**entry, policyArn=_VIEW, accessScope={"type": "cluster"}),
            lambda: eks.disassociate_access_policy(**entry, policyArn=_VIEW),
            lambda: eks.list_associated_access_policies(**entry),
        ):
            with self.refused("InvalidRequestException", "authentication mode must be set to one of"):
                call()

    @claim(
        "In the mode CONFIG_MAP the creator is an administrator that no visible configuration shows.",
        f"{_GUIDE}auth-configmap.html",
        _CLUSTER,
        "eks:CreateCluster",
    )
    def test_creator_by_config_map(self) -> None:
        record, bearer = owned("CONFIG_MAP")
        self.assertEqual(kubernetes(record, bearer, "/api/v1/nodes"), 200)
        self.assertNotIn("masters", mapped(record, bearer))
        self.assertEqual(kubernetes(record, token(record["name"], session(caller())), "/api/v1/nodes"), 401)

    @claim(
        "When a cluster's mode begins to know entries, its creator and its node groups have them.",
        "https://www.eksworkshop.com/docs/security/cluster-access-management/managing",
        _ENTRY,
        "eks:UpdateClusterConfig",
    )
    def test_entries_of_a_new_mode(self) -> None:
        record, bearer = new_owned("CONFIG_MAP")
        nodes = service_role("ec2.amazonaws.com")
        node_group(record, fresh("nodes"), nodeRole=nodes)
        update = client("eks").update_cluster_config(
            name=record["name"], accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"}
        )["update"]
        finished(record["name"], update)
        eks, name = client("eks"), active_cluster(record["name"])["name"]
        kinds = {
            principal: eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"]["type"]
            for principal in eks.list_access_entries(clusterName=name)["accessEntries"]
        }
        creator = next(principal for principal in kinds if principal != nodes)
        self.assertEqual(kinds, {creator: "STANDARD", nodes: "EC2_LINUX"})
        self.assertIn(":role/teams/", creator)
        self.assertEqual(granted(record, bearer, "/api/v1/nodes"), 200)

    @claim("The principal is a role or a user that exists, not a session.", f"{_API}CreateAccessEntry.html", _ENTRY)
    def test_principal(self) -> None:
        for principal in (
            f"arn:aws:iam::{ACCOUNT}:role/nobody",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/nobody/session",
        ):
            with self.subTest(principal), self.refused("InvalidParameterException", "invalid principal"):
                self.entry(principal)

    @claim(
        "The user name of an entry does not begin with system:, eks:, aws:, amazon: or iam:.",
        f"{_GUIDE}creating-access-entries.html",
        _ENTRY,
    )
    def test_username(self) -> None:
        for prefix in ("system:", "eks:", "aws:", "amazon:", "iam:"):
            with self.subTest(prefix), self.refused("InvalidParameterException"):
                self.entry(username=f"{prefix}admin")

    @claim("Groups of an entry do not begin with system:.", f"{_GUIDE}creating-access-entries.html", _ENTRY)
    def test_groups(self) -> None:
        with self.refused("InvalidParameterException", "system:masters"):
            self.entry(kubernetesGroups=["system:masters"])

    @claim(
        "An entry of the type EC2_LINUX has no user name, groups or policies of its own.",
        f"{_API}CreateAccessEntry.html",
        _ENTRY,
    )
    def test_nodes(self) -> None:
        with self.refused("InvalidParameterException"):
            self.entry(type="EC2_LINUX", username="me")
        principal = self.entry(type="EC2_LINUX")
        with self.refused("InvalidRequestException|InvalidParameterException"):
            client("eks").associate_access_policy(
                clusterName=cluster()["name"], principalArn=principal, policyArn=_VIEW, accessScope={"type": "cluster"}
            )

    @claim("Only EKS's own access policies can be associated.", f"{_GUIDE}access-policy-permissions.html", _ENTRY)
    def test_policy(self) -> None:
        principal = self.entry()
        with self.refused("InvalidParameterException"):
            client("eks").associate_access_policy(
                clusterName=cluster()["name"],
                principalArn=principal,
                policyArn="arn:aws:eks::aws:cluster-access-policy/Mine",
                accessScope={"type": "cluster"},
            )

    @claim("The scope namespace needs namespaces.", f"{_API}AccessScope.html", _ENTRY)
    def test_scope(self) -> None:
        principal = self.entry()
        with self.refused("InvalidParameterException"):
            client("eks").associate_access_policy(
                clusterName=cluster()["name"],
                principalArn=principal,
                policyArn=_VIEW,
                accessScope={"type": "namespace"},
            )

    @claim(
        "A policy with the scope namespace gives rights there only; one with cluster everywhere.",
        f"{_GUIDE}access-policies.html",
        _ENTRY,
    )
    def test_scoped_rights(self) -> None:
        record = cluster()
        for scope, elsewhere in (({"type": "namespace", "namespaces": ["default"]}, 403), ({"type": "cluster"}, 200)):
            with self.subTest(scope["type"]):
                principal = self.entry()
                client("eks").associate_access_policy(
                    clusterName=record["name"], principalArn=principal, policyArn=_VIEW, accessScope=scope
                )
                bearer = token(record["name"], session(principal))
                self.assertEqual(granted(record, bearer), 200)
                self.assertEqual(kubernetes(record, bearer, "/api/v1/namespaces/kube-system/pods"), elsewhere)

    @claim("AmazonEKSViewPolicy shows no Secrets.", f"{_GUIDE}access-policy-permissions.html", _ENTRY)
    def test_view(self) -> None:
        record, principal = cluster(), self.entry()
        client("eks").associate_access_policy(
            clusterName=record["name"], principalArn=principal, policyArn=_VIEW, accessScope={"type": "cluster"}
        )
        bearer = token(record["name"], session(principal))
        self.assertEqual(granted(record, bearer), 200)
        self.assertEqual(kubernetes(record, bearer, "/api/v1/namespaces/default/secrets"), 403)

    @claim(
        "The creator gets an entry as administrator, if the request asks for it.",
        f"{_API}CreateAccessConfigRequest.html",
        _ENTRY,
        "eks:CreateCluster",
    )
    def test_creator(self) -> None:
        record, bearer = owned("API")
        found = client("eks").list_access_entries(clusterName=record["name"])["accessEntries"]
        self.assertEqual(len([principal for principal in found if ":role/teams/" in principal]), 1, found)
        self.assertEqual(granted(record, bearer, "/api/v1/nodes"), 200)
        asked, _ = cluster(), self.entry()
        found = client("eks").list_access_entries(clusterName=asked["name"])["accessEntries"]
        self.assertEqual([principal for principal in found if principal.endswith(":root")], [])

    @claim(
        "Of a cluster made by CloudFormation the creator is the principal that CloudFormation acts for.",
        f"{_API}CreateAccessConfigRequest.html",
        _ENTRY,
        _CLUSTER,
    )
    def test_creator_by_cloudformation(self) -> None:
        cluster()
        rights = parts.allow(["eks:*", "ec2:*", "iam:*", "logs:*", "cloudformation:*"])
        creator = caller(all=rights)
        wanted = cluster_request()
        properties = {
            "Name": wanted["name"],
            "RoleArn": wanted["roleArn"],
            "Version": "1.35",
            "ResourcesVpcConfig": {"SubnetIds": wanted["resourcesVpcConfig"]["subnetIds"]},
            "AccessConfig": {"AuthenticationMode": "API"},
        }
        name = fresh("stack")
        body = json.dumps({"Resources": {"C": {"Type": _CLUSTER, "Properties": properties}}})
        client("cloudformation", session(creator)).create_stack(StackName=name, TemplateBody=body)
        self.addCleanup(aws().delete, name)
        self.assertEqual(aws().wait(name), "CREATE_COMPLETE", aws().reasons(name))
        found = client("eks").list_access_entries(clusterName=wanted["name"])["accessEntries"]
        self.assertEqual(found, [creator])


class Tokens(Conformance):
    area = "EKS tokens"

    def status(self, **how: object) -> int:
        record, principal = cluster(), caller()
        client("eks").create_access_entry(clusterName=record["name"], principalArn=principal)
        client("eks").associate_access_policy(
            clusterName=record["name"], principalArn=principal, policyArn=_ADMIN, accessScope={"type": "cluster"}
        )
        return kubernetes(record, token(record["name"], session(principal), **how), "/api/v1/nodes")

    @claim(
        "A presigned GetCallerIdentity with the cluster's name in x-k8s-aws-id is a token.",
        f"{_GUIDE}cluster-auth.html",
        "sts:GetCallerIdentity",
    )
    def test_token(self) -> None:
        self.assertEqual(self.status(), 200)

    @claim("A token for another cluster's name is refused.", f"{_GUIDE}cluster-auth.html", "sts:GetCallerIdentity")
    def test_another_cluster(self) -> None:
        self.assertEqual(self.status(named="another"), 401)

    @claim("A token for a host that is not STS's is refused.", f"{_GUIDE}cluster-auth.html", "sts:GetCallerIdentity")
    def test_another_host(self) -> None:
        self.assertEqual(self.status(host="sts.example.com"), 401)

    @claim(
        "A token that was signed for longer than 15 minutes is refused.",
        f"{_GUIDE}cluster-auth.html",
        "sts:GetCallerIdentity",
    )
    def test_expiry(self) -> None:
        self.assertEqual(self.status(expires=3600), 401)

    @claim("A principal without an entry is refused.", f"{_GUIDE}access-entries.html", _ENTRY)
    def test_stranger(self) -> None:
        record = cluster()
        self.assertEqual(kubernetes(record, token(record["name"], session(caller()))), 401)


class Addons(Conformance):
    area = "EKS add-ons"

    @claim("An add-on's name is one that EKS has.", f"{_API}CreateAddon.html", "AWS::EKS::Addon")
    def test_name(self) -> None:
        with self.refused("InvalidParameterException"):
            client("eks").create_addon(clusterName=cluster()["name"], addonName="mine")

    @claim("An add-on's version is one that EKS has.", f"{_API}CreateAddon.html", "AWS::EKS::Addon")
    def test_version(self) -> None:
        with self.refused("InvalidParameterException"):
            client("eks").create_addon(clusterName=cluster()["name"], addonName="vpc-cni", addonVersion="latest")

    @claim(
        "An add-on is CREATING, then ACTIVE, and there once: ResourceInUseException.",
        f"{_API}CreateAddon.html",
        "AWS::EKS::Addon",
    )
    def test_life(self) -> None:
        eks, name = client("eks"), cluster()["name"]
        made = eks.create_addon(clusterName=name, addonName="kube-proxy")["addon"]
        self.assertEqual(made["status"], "CREATING")
        self.assertRegex(made["addonVersion"], r"^v1\.35\.\d+-eksbuild\.\d+$")
        with self.refused("ResourceInUseException"):
            eks.create_addon(clusterName=name, addonName="kube-proxy")
        describe = eks.describe_addon
        eventually(lambda: describe(clusterName=name, addonName="kube-proxy")["addon"]["status"] == "ACTIVE")
        update = eks.update_addon(clusterName=name, addonName="kube-proxy", resolveConflicts="OVERWRITE")["update"]
        self.assertEqual(finished(name, update, addonName="kube-proxy")["type"], "AddonUpdate")
        eks.delete_addon(clusterName=name, addonName="kube-proxy")
        eventually(lambda: eks.list_addons(clusterName=name)["addons"] == [])

    @claim("The role of an add-on's service account exists.", f"{_API}CreateAddon.html", "AWS::EKS::Addon")
    def test_role(self) -> None:
        with self.refused("InvalidParameterException"):
            client("eks").create_addon(
                clusterName=cluster()["name"],
                addonName="aws-ebs-csi-driver",
                serviceAccountRoleArn=f"arn:aws:iam::{ACCOUNT}:role/nobody",
            )

    @claim("Add-ons go with their cluster.", f"{_API}DeleteCluster.html", "AWS::EKS::Addon")
    def test_deleted_cluster(self) -> None:
        made = new_cluster()
        client("eks").create_addon(clusterName=made["name"], addonName="vpc-cni")
        client("eks").delete_cluster(name=made["name"])
        with self.refused("ResourceNotFoundException"):
            client("eks").describe_addon(clusterName=made["name"], addonName="vpc-cni")


class NodeGroups(Conformance):
    area = "EKS node groups"

    def create(self, **more: object) -> str:
        name = fresh("nodes")
        node_group(cluster(), name, **more)
        return name

    @claim(
        "The role of the nodes must trust ec2.amazonaws.com.", f"{_GUIDE}create-node-role.html", _GROUP, "iam:PassRole"
    )
    def test_role(self) -> None:
        with self.refused("InvalidParameterException"):
            self.create(nodeRole=service_role("lambda.amazonaws.com"))

    @claim("The subnets exist.", f"{_API}CreateNodegroup.html", _GROUP)
    def test_subnets(self) -> None:
        with self.refused("InvalidParameterException"):
            self.create(subnets=["subnet-0123456789abcdef0"])

    @claim(
        "With a launch template the disk's size stands in the template.",
        f"{_API}CreateNodegroup.html",
        _GROUP,
        "AWS::EC2::LaunchTemplate",
    )
    def test_disk(self) -> None:
        data = {"MetadataOptions": {"HttpTokens": "required"}}
        made = client("ec2").create_launch_template(LaunchTemplateName=fresh("lt"), LaunchTemplateData=data)
        with self.refused("InvalidParameterException|InvalidRequestException"):
            self.create(diskSize=20, launchTemplate={"id": made["LaunchTemplate"]["LaunchTemplateId"]})

    @claim(
        "EKS makes an access entry of the type EC2_LINUX for the nodes, and takes it away with the last group.",
        f"{_GUIDE}access-entries.html",
        _GROUP,
        _ENTRY,
    )
    def test_entry(self) -> None:
        record, role = cluster(), service_role("ec2.amazonaws.com")
        name = self.create(nodeRole=role)
        describe = client("eks").describe_access_entry
        self.assertEqual(describe(clusterName=record["name"], principalArn=role)["accessEntry"]["type"], "EC2_LINUX")
        client("eks").delete_nodegroup(clusterName=record["name"], nodegroupName=name)
        eventually(lambda: role not in client("eks").list_access_entries(clusterName=record["name"])["accessEntries"])

    @claim(
        "Where the mode reads aws-auth, EKS writes the nodes' role into it.",
        f"{_API}CreateAccessEntry.html",
        _GROUP,
    )
    def test_config_map(self) -> None:
        for mode in ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API"):
            with self.subTest(mode):
                record, bearer = owned(mode)
                role = service_role("ec2.amazonaws.com")
                node_group(record, fresh("nodes"), nodeRole=role)
                self.assertEqual(role in mapped(record, bearer), mode != "API")

    @claim(
        "The role of a deleted node group leaves aws-auth, if no other group has it.",
        f"{_GUIDE}delete-managed-node-group.html",
        _GROUP,
    )
    def test_config_map_of_the_last_group(self) -> None:
        record, bearer = owned("CONFIG_MAP")
        role, first, second = service_role("ec2.amazonaws.com"), fresh("nodes"), fresh("nodes")
        node_group(record, first, nodeRole=role)
        node_group(record, second, nodeRole=role)
        self.delete(record, first)
        self.assertIn(role, mapped(record, bearer))
        self.delete(record, second)
        eventually(lambda: role not in mapped(record, bearer))

    def delete(self, record: dict, name: str) -> None:
        client("eks").delete_nodegroup(clusterName=record["name"], nodegroupName=name)
        eventually(lambda: name not in client("eks").list_nodegroups(clusterName=record["name"])["nodegroups"])

    @claim("An instance type that does not exist is refused.", f"{_API}CreateNodegroup.html", _GROUP)
    def test_instance_type(self) -> None:
        with self.refused("InvalidParameterException|InvalidRequestException"):
            self.create(instanceTypes=["z99.huge"])

    @claim("The architecture of the instance types is that of the AMI type.", f"{_API}CreateNodegroup.html", _GROUP)
    def test_architecture(self) -> None:
        with self.refused("InvalidParameterException|InvalidRequestException"):
            self.create(amiType="AL2023_ARM_64_STANDARD", instanceTypes=["m7i.large"])
