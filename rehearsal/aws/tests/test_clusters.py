"""Clusters: needs the embedded EKS."""

import json
import os
import ssl
import unittest
import urllib.error
import urllib.request

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
            "Cni": {"Type": "AWS::EKS::Addon", "Properties": {"ClusterName": ref("Cluster"), "AddonName": "vpc-cni", "ResolveConflicts": "OVERWRITE"}},
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
                "Properties": {"ClusterName": ref("Cluster"), "Namespace": "a", "ServiceAccount": "b", "RoleArn": att("UserRole", "Arn")},
            },
            "Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": issuer, "ClientIdList": ["sts.amazonaws.com"]}},
        },
        "Outputs": parts.outputs(
            Arn=att("Cluster", "Arn"), Endpoint=att("Cluster", "Endpoint"), Issuer=issuer, Ca=att("Cluster", "CertificateAuthorityData"),
            Group=att("Cluster", "ClusterSecurityGroupId"), Nodes=ref("Nodes"), NodeRole=att("NodeRole", "Arn"), UserRole=att("UserRole", "Arn"),
            Provider=ref("Provider"), Vpc=ref("Vpc"), User=att("User", "AccessEntryArn"), Identity=att("Identity", "AssociationId"), Cni=ref("Cni"),
        ),
    }  # fmt: skip


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
        self.assertEqual(set(eks.list_access_entries(clusterName="demo")["accessEntries"]), {made["NodeRole"], made["UserRole"]})

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

    def _updates_that_eks_refuses(self, template: dict) -> None:
        cases = {
            "two minors at once": ({"Version": "1.38"}, "Unsupported Kubernetes minor version update from 1.36 to 1.38"),
            "back to the config map": (
                {"AccessConfig": {"AuthenticationMode": "CONFIG_MAP", "BootstrapClusterCreatorAdminPermissions": False}},
                "Unsupported authentication mode update from API_AND_CONFIG_MAP to CONFIG_MAP",
            ),
            "another role": ({"RoleArn": att("UserRole", "Arn")}, "custom-named resource requires replacing"),
        }  # fmt: skip
        for name, (change, wanted) in cases.items():
            with self.subTest(name):
                changed = {**template, "Resources": {**template["Resources"]}}
                own = template["Resources"]["Cluster"]
                changed["Resources"]["Cluster"] = {**own, "Properties": {**own["Properties"], **change}}
                self.assertEqual(aws.deploy("c", changed), "UPDATE_ROLLBACK_COMPLETE")
                self.assertIn(wanted, aws.reasons("c"))

    def test_networks_that_eks_refuses(self) -> None:
        for number, (name, (config, wanted)) in enumerate({
            "one zone": ({"SubnetIds": [ref("Private0"), ref("Public0")]}, "at least two different AZs"),
            "no endpoint": (
                {"SubnetIds": [ref("Private0"), ref("Private1")], "EndpointPublicAccess": False, "EndpointPrivateAccess": False},
                "Private and public endpoint access cannot be false",
            ),
        }.items()):  # fmt: skip
            stack = f"refused{number}"
            with self.subTest(name):
                resources = {**parts.network(), "ClusterRole": parts.role("eks.amazonaws.com"), "Cluster": cluster(Name="no", ResourcesVpcConfig=config)}  # fmt: skip
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
