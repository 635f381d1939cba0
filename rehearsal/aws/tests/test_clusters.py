"""Clusters: needs the embedded EKS."""

import json
import os
import ssl
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import parts
from botocore.exceptions import ClientError
from embedded import LOCALKUBE, NO_LOCALKUBE, EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS


def setUpModule() -> None:
    if not LOCALKUBE:
        raise unittest.SkipTest(NO_LOCALKUBE)
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


def cluster(**more: object) -> dict:
    return {
        "Type": "AWS::EKS::Cluster",
        "Properties": {
            "Name": "demo",
            "Version": "1.35",
            "RoleArn": att("ClusterRole", "Arn"),
            "ResourcesVpcConfig": {
                "SubnetIds": [ref("Private0"), ref("Private1")],
                "EndpointPrivateAccess": True,
                "EndpointPublicAccess": False,
            },
            "AccessConfig": {
                "AuthenticationMode": "API_AND_CONFIG_MAP",
                "BootstrapClusterCreatorAdminPermissions": False,
            },
            "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "audit"}]}},
            "UpgradePolicy": {"SupportType": "STANDARD"},
            "KubernetesNetworkConfig": {"ServiceIpv4Cidr": "172.20.0.0/16"},
            **more,
        },
    }


def irsa_trust(issuer: dict) -> dict:
    """The trust of the account "controller" in the default namespace, with the issuer as a JSON key."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": "${Provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "${issuer}:aud": "sts.amazonaws.com",
                "${issuer}:sub": "system:serviceaccount:default:controller",
            }
        },
    }
    return {
        "Fn::Sub": [
            json.dumps(parts.document([statement])),
            {"issuer": {"Fn::Select": [1, {"Fn::Split": ["//", issuer]}]}},
        ]
    }


class Kubernetes:
    """The little of the Kubernetes API that tests need, as the cluster's admin, in the default namespace."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._base = f"{endpoint}/api/v1/namespaces/default"
        self._context = ssl.create_default_context(cafile=str(directory / "ca.crt"))
        self._context.load_cert_chain(directory / "admin.crt", directory / "admin.key")

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"{self._base}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, context=self._context, timeout=10) as answer:
            return json.load(answer)

    def token(self, account: str, audience: str) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [audience]}}
        return self.post(f"serviceaccounts/{account}/token", body)["status"]["token"]


def everything() -> dict:
    issuer = att("Cluster", "OpenIdConnectIssuerUrl")
    view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    return {
        "Resources": {
            **parts.network(),
            "ClusterRole": parts.role("eks.amazonaws.com"),
            "NodeRole": parts.role("ec2.amazonaws.com", Path="/nodes/"),
            "UserRole": parts.role("ec2.amazonaws.com"),
            "Cluster": cluster(),
            "Launch": {
                "Type": "AWS::EC2::LaunchTemplate",
                "Properties": {"LaunchTemplateData": {"MetadataOptions": {"HttpTokens": "required"}}},
            },
            "Nodes": {
                "Type": "AWS::EKS::Nodegroup",
                # Nodes need a way out.
                "DependsOn": ["PrivateAssociation0", "PrivateRoute"],
                "Properties": {
                    "ClusterName": ref("Cluster"),
                    "NodeRole": att("NodeRole", "Arn"),
                    "Subnets": [ref("Private0")],
                    "AmiType": "AL2023_ARM_64_STANDARD",
                    "InstanceTypes": ["t4g.medium"],
                    "ScalingConfig": {"MinSize": 2, "DesiredSize": 2, "MaxSize": 3},
                    "LaunchTemplate": {"Id": ref("Launch"), "Version": att("Launch", "LatestVersionNumber")},
                    "Labels": {"app": "e6data"},
                },
            },
            "Cni": {
                "Type": "AWS::EKS::Addon",
                "Properties": {"ClusterName": ref("Cluster"), "AddonName": "vpc-cni", "ResolveConflicts": "OVERWRITE"},
            },
            "User": {
                "Type": "AWS::EKS::AccessEntry",
                "Properties": {
                    "ClusterName": ref("Cluster"),
                    "PrincipalArn": att("UserRole", "Arn"),
                    "Type": "STANDARD",
                    "AccessPolicies": [{"PolicyArn": view, "AccessScope": {"Type": "cluster"}}],
                },
            },
            "Identity": {
                "Type": "AWS::EKS::PodIdentityAssociation",
                "Properties": {
                    "ClusterName": ref("Cluster"),
                    "Namespace": "a",
                    "ServiceAccount": "b",
                    "RoleArn": att("UserRole", "Arn"),
                },
            },
            "Irsa": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": irsa_trust(issuer)}},
            "Provider": {
                "Type": "AWS::IAM::OIDCProvider",
                "Properties": {"Url": issuer, "ClientIdList": ["sts.amazonaws.com"]},
            },
        },
        "Outputs": parts.outputs(
            Arn=att("Cluster", "Arn"),
            Irsa=att("Irsa", "Arn"),
            Endpoint=att("Cluster", "Endpoint"),
            Issuer=issuer,
            Ca=att("Cluster", "CertificateAuthorityData"),
            Group=att("Cluster", "ClusterSecurityGroupId"),
            Nodes=ref("Nodes"),
            NodeRole=att("NodeRole", "Arn"),
            UserRole=att("UserRole", "Arn"),
            Provider=ref("Provider"),
            Vpc=ref("Vpc"),
            User=att("User", "AccessEntryArn"),
            Identity=att("Identity", "AssociationId"),
            Cni=ref("Cni"),
        ),
    }


class Clusters(unittest.TestCase):
    def test_life_of_a_cluster_and_all_that_hangs_on_it(self) -> None:
        template = everything()
        self.assertEqual(aws.deploy("c", template), "CREATE_COMPLETE", aws.reasons("c"))
        made, eks = aws.outputs("c"), aws.client("eks")
        record = eks.describe_cluster(name="demo")["cluster"]
        self.assertEqual(record["arn"], made["Arn"])
        self.assertEqual(record["resourcesVpcConfig"]["vpcId"], made["Vpc"])
        self.assertEqual(record["resourcesVpcConfig"]["clusterSecurityGroupId"], made["Group"])
        self.assertFalse(record["resourcesVpcConfig"]["endpointPublicAccess"])
        self.assertEqual(record["kubernetesNetworkConfig"]["serviceIpv4Cidr"], "172.20.0.0/16")
        self.assertEqual(record["upgradePolicy"], {"supportType": "STANDARD"})
        self.assertEqual(made["Cni"], "demo|vpc-cni")
        self._api_server_answers(made["Endpoint"])

        self.assertEqual(made["Nodes"].split("/")[0], "demo")
        group = eks.describe_nodegroup(clusterName="demo", nodegroupName=made["Nodes"].split("/")[1])["nodegroup"]
        self.assertEqual((group["launchTemplate"]["version"], group["labels"]), ("1", {"app": "e6data"}))
        nodes = eks.describe_access_entry(clusterName="demo", principalArn=made["NodeRole"])["accessEntry"]
        self.assertEqual(nodes["type"], "EC2_LINUX", "a managed node group lets its nodes in by itself")
        self.assertEqual(
            set(eks.list_access_entries(clusterName="demo")["accessEntries"]), {made["NodeRole"], made["UserRole"]}
        )

        self._service_account_tokens_are_judged(made["Irsa"])
        with self.assertRaisesRegex(ClientError, "Cluster has nodegroups attached"):
            eks.delete_cluster(name="demo")

        resources = template["Resources"]
        resources["Cluster"]["Properties"]["Version"] = "1.36"
        resources["Cluster"]["Properties"]["Logging"]["ClusterLogging"]["EnabledTypes"] = []
        resources["Launch"]["Properties"]["LaunchTemplateData"]["EbsOptimized"] = True
        resources["User"]["Properties"]["AccessPolicies"] = []
        self.assertEqual(aws.deploy("c", template), "UPDATE_COMPLETE", aws.reasons("c"))
        self.assertEqual(eks.describe_cluster(name="demo")["cluster"]["version"], "1.36")
        group = eks.describe_nodegroup(clusterName="demo", nodegroupName=made["Nodes"].split("/")[1])["nodegroup"]
        self.assertEqual(group["launchTemplate"]["version"], "2")
        policies = eks.list_associated_access_policies(clusterName="demo", principalArn=made["UserRole"])
        self.assertEqual(policies["associatedAccessPolicies"], [])

        self._updates_that_eks_refuses(template)
        self.assertEqual(aws.delete("c"), "DELETE_COMPLETE", aws.reasons("c"))
        self.assertEqual(eks.list_clusters()["clusters"], [])
        self.assertIn("demo.log", os.listdir(aws.state / "clusters"))
        groups = [g["GroupId"] for g in aws.client("ec2").describe_security_groups()["SecurityGroups"]]
        self.assertNotIn(made["Group"], groups)
        self.assertEqual([d for d in os.listdir(aws.state) if d.startswith("demo-")], [])

    def _api_server_answers(self, endpoint: str) -> None:
        self.assertTrue(endpoint.startswith("https://127.0.0.1:"))
        directory = next(aws.state.glob("demo-*"))
        context = ssl.create_default_context(cafile=str(directory / "ca.crt"))
        try:
            with urllib.request.urlopen(f"{endpoint}/version", context=context, timeout=10) as answer:
                self.assertTrue(json.load(answer)["major"])
        except urllib.error.HTTPError as refused:
            self.assertIn(refused.code, (401, 403))

    def _service_account_tokens_are_judged(self, role_arn: str) -> None:
        directory = next(aws.state.glob("demo-*"))
        kubernetes = Kubernetes(aws.client("eks").describe_cluster(name="demo")["cluster"]["endpoint"], directory)
        for account in ("controller", "other"):
            kubernetes.post("serviceaccounts", {"metadata": {"name": account}})
        right = kubernetes.token("controller", "sts.amazonaws.com")
        cases = {
            "the account of the trust policy": (right, ""),
            "another account": (kubernetes.token("other", "sts.amazonaws.com"), "AccessDenied"),
            "another audience": (kubernetes.token("controller", "elsewhere"), "InvalidIdentityToken"),
            "a forged signature": (right.rsplit(".", 1)[0] + ".AAAA", "InvalidIdentityToken"),
            "no token at all": ("nonsense", "InvalidIdentityToken"),
        }
        sts = aws.client("sts")
        for name, (token, refusal) in cases.items():
            with self.subTest(name):
                arguments = {"RoleArn": role_arn, "RoleSessionName": "test", "WebIdentityToken": token}
                if not refusal:
                    self.assertIn("AccessKeyId", sts.assume_role_with_web_identity(**arguments)["Credentials"])
                    continue
                with self.assertRaises(ClientError) as refused:
                    sts.assume_role_with_web_identity(**arguments)
                self.assertEqual(refused.exception.response["Error"]["Code"], refusal)

    def _updates_that_eks_refuses(self, template: dict) -> None:
        cases = {
            "two minors at once": (
                {"Version": "1.38"},
                "Unsupported Kubernetes minor version update from 1.36 to 1.38",
            ),
            "back to the config map": (
                {
                    "AccessConfig": {
                        "AuthenticationMode": "CONFIG_MAP",
                        "BootstrapClusterCreatorAdminPermissions": False,
                    }
                },
                "Unsupported authentication mode update from API_AND_CONFIG_MAP to CONFIG_MAP",
            ),
            "another role": ({"RoleArn": att("UserRole", "Arn")}, "custom-named resource requires replacing"),
        }
        for name, (change, wanted) in cases.items():
            with self.subTest(name):
                changed = {**template, "Resources": {**template["Resources"]}}
                own = template["Resources"]["Cluster"]
                changed["Resources"]["Cluster"] = {**own, "Properties": {**own["Properties"], **change}}
                self.assertEqual(aws.deploy("c", changed), "UPDATE_ROLLBACK_COMPLETE")
                self.assertIn(wanted, aws.reasons("c"))

    def test_networks_that_eks_refuses(self) -> None:
        for number, (name, (config, wanted)) in enumerate(
            {
                "one zone": ({"SubnetIds": [ref("Private0"), ref("Public0")]}, "at least two different AZs"),
                "a zone without clusters": (
                    {"SubnetIds": [ref("Private0"), ref("Private2")]},
                    "Cannot create cluster because us-east-1c (use1-az3)",
                ),
                "no endpoint": (
                    {
                        "SubnetIds": [ref("Private0"), ref("Private1")],
                        "EndpointPublicAccess": False,
                        "EndpointPrivateAccess": False,
                    },
                    "Private and public endpoint access cannot be false",
                ),
            }.items()
        ):
            stack = f"refused{number}"
            with self.subTest(name):
                resources = {
                    **parts.network(zones=3),
                    "ClusterRole": parts.role("eks.amazonaws.com"),
                    "Cluster": cluster(Name="no", ResourcesVpcConfig=config),
                }
                self.assertEqual(aws.deploy(stack, {"Resources": resources}), "ROLLBACK_COMPLETE")
                self.assertIn(wanted, aws.reasons(stack))

    def test_access_entry_needs_the_right_mode(self) -> None:
        resources = {
            **parts.network(),
            "ClusterRole": parts.role("eks.amazonaws.com"),
            "Cluster": cluster(Name="old", AccessConfig={"AuthenticationMode": "CONFIG_MAP"}),
            "User": {
                "Type": "AWS::EKS::AccessEntry",
                "Properties": {"ClusterName": ref("Cluster"), "PrincipalArn": att("ClusterRole", "Arn")},
            },
        }
        self.assertEqual(aws.deploy("old-mode", {"Resources": resources}), "ROLLBACK_COMPLETE")
        self.assertIn("authentication mode must be set to one of [API, API_AND_CONFIG_MAP]", aws.reasons("old-mode"))

    def test_cluster_ends_with_the_embedded_aws(self) -> None:
        with EmbeddedAWS() as other:
            resources = {**parts.network(), "Role": parts.role("eks.amazonaws.com")}
            made = parts.outputs(A=ref("Private0"), B=ref("Private1"), Role=att("Role", "Arn"))
            status = other.deploy("net", {"Resources": resources, "Outputs": made})
            self.assertEqual(status, "CREATE_COMPLETE", other.reasons("net"))
            found = other.outputs("net")
            network = {"subnetIds": [found["A"], found["B"]]}
            other.client("eks").create_cluster(name="brief", roleArn=found["Role"], resourcesVpcConfig=network)
            children = other.children()
            self.assertEqual(len(children), 1)
            other.process.stdin.close()
            self.assertEqual(other.process.wait(5), 0)
            self.assertEqual([pid for pid in children if Path(f"/proc/{pid}").exists()], [])
