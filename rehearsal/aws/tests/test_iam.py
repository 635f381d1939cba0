"""IAM: what roles may do, what is refused, and what calls.jsonl says of it."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS
from parts import att, ref

ACCOUNT = "000000000000"
CALLER = parts.document(
    [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]
)

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    s3 = aws.client("s3")
    for bucket in ("artefacts", "others"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="1.0/chart.tgz", Body=b"x")


def tearDownModule() -> None:
    aws.stop()


def assumable(statements: list[dict], **more: object) -> dict:
    policies = [{"PolicyName": "own", "PolicyDocument": parts.document(statements)}]
    properties = {"Path": "/team/", "AssumeRolePolicyDocument": CALLER, "Policies": policies, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def credentials(role_arn: str) -> dict:
    return aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]


class Roles(unittest.TestCase):
    def test_role_can_do_what_its_policy_allows_and_no_more(self) -> None:
        statements = [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::artefacts/1.0/*"},
            {"Effect": "Allow", "Action": "ec2:DescribeAvailabilityZones", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "eks:DescribeCluster",
                "Resource": f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/mine",
            },
        ]
        template = {
            "Resources": {"Role": assumable(statements)},
            "Outputs": parts.outputs(Arn=att("Role", "Arn"), Name=ref("Role")),
        }
        self.assertEqual(aws.deploy("limited", template), "CREATE_COMPLETE", aws.reasons("limited"))
        made = aws.outputs("limited")
        own = credentials(made["Arn"])
        s3, ec2, eks, sts = (aws.client(service, own) for service in ("s3", "ec2", "eks", "sts"))

        s3.get_object(Bucket="artefacts", Key="1.0/chart.tgz")
        ec2.describe_availability_zones()
        self.assertIn(made["Name"], sts.get_caller_identity()["Arn"])
        with self.assertRaisesRegex(ClientError, "No cluster found for name: mine"):
            eks.describe_cluster(name="mine")

        who = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{made['Name']}/test is not authorized to perform: "
        denied = {
            "another bucket": (
                lambda: s3.get_object(Bucket="others", Key="1.0/chart.tgz"),
                who + 's3:GetObject on resource: "arn:aws:s3:::others/1.0/chart.tgz" because no',
            ),
            "a write": (lambda: s3.put_object(Bucket="artefacts", Key="1.0/x", Body=b""), who + "s3:PutObject"),
            "another cluster": (
                lambda: eks.describe_cluster(name="yours"),
                who + f"eks:DescribeCluster on resource: arn:aws:eks:us-east-1:{ACCOUNT}:cluster/yours because no",
            ),
            "another action": (ec2.describe_vpcs, who + "ec2:DescribeVpcs because no identity-based policy"),
            "an object that is not there": (
                lambda: s3.get_object(Bucket="artefacts", Key="1.0/none"),
                who + 's3:ListBucket on resource: "arn:aws:s3:::artefacts" because no',
            ),
        }
        for name, (call, text) in denied.items():
            with self.subTest(name), self.assertRaises(ClientError) as refused:
                call()
            self.assertIn(text, str(refused.exception))

        calls = [c for c in aws.calls() if made["Name"] in c["principal"]]
        seen = {(c["action"], c["allowed"]) for c in calls}
        self.assertLessEqual(
            {
                ("s3:GetObject", True),
                ("s3:GetObject", False),
                ("s3:PutObject", False),
                ("ec2:DescribeAvailabilityZones", True),
                ("ec2:DescribeVpcs", False),
                ("eks:DescribeCluster", True),
                ("eks:DescribeCluster", False),
            },
            seen,
        )
        denied_read = next(c for c in calls if c["action"] == "s3:GetObject" and not c["allowed"])
        self.assertEqual(denied_read["resource"], "arn:aws:s3:::others/1.0/chart.tgz")

    def test_permissions_boundary_limits_a_role(self) -> None:
        everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        template = {
            "Resources": {
                "Boundary": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {"PolicyDocument": parts.allow(["s3:*"])},
                },
                "Role": assumable(everything, PermissionsBoundary=ref("Boundary")),
            },
            "Outputs": parts.outputs(Arn=att("Role", "Arn")),
        }
        self.assertEqual(aws.deploy("bounded", template), "CREATE_COMPLETE", aws.reasons("bounded"))
        own = credentials(aws.outputs("bounded")["Arn"])
        aws.client("s3", own).get_object(Bucket="others", Key="1.0/chart.tgz")
        with self.assertRaisesRegex(ClientError, "not authorized"):
            aws.client("ec2", own).describe_vpcs()

        del template["Resources"]["Role"]["Properties"]["PermissionsBoundary"]
        self.assertEqual(aws.deploy("bounded", template), "UPDATE_COMPLETE", aws.reasons("bounded"))
        aws.client("ec2", own).describe_vpcs()
        self.assertEqual(aws.delete("bounded"), "DELETE_COMPLETE", aws.reasons("bounded"))

    def test_policies_profiles_and_providers_are_made_and_deleted(self) -> None:
        issuer = "https://127.0.0.1/oidc/id/ABC"
        trust = {
            "Fn::Sub": [
                json.dumps(
                    parts.document(
                        [
                            {
                                "Effect": "Allow",
                                "Principal": {"Federated": "${Provider}"},
                                "Action": "sts:AssumeRoleWithWebIdentity",
                                "Condition": {"StringEquals": {"${issuer}:aud": "sts.amazonaws.com"}},
                            }
                        ]
                    )
                ),
                {"issuer": {"Fn::Select": [1, {"Fn::Split": ["//", issuer]}]}},
            ]
        }
        template = {
            "Resources": {
                "Role": parts.role(
                    "ec2.amazonaws.com", ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]
                ),
                "Inline": {
                    "Type": "AWS::IAM::Policy",
                    "Properties": {
                        "PolicyName": "more",
                        "Roles": [ref("Role")],
                        "PolicyDocument": parts.allow(["sqs:*"]),
                    },
                },
                "Managed": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {"Roles": [ref("Role")], "PolicyDocument": parts.allow(["sns:*"])},
                },
                "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [ref("Role")]}},
                "Provider": {
                    "Type": "AWS::IAM::OIDCProvider",
                    "Properties": {
                        "Url": issuer,
                        "ClientIdList": ["sts.amazonaws.com"],
                        "Tags": [{"Key": "a", "Value": "b"}],
                    },
                },
                "Irsa": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            },
            "Outputs": parts.outputs(
                Role=ref("Role"),
                Profile=ref("Profile"),
                Provider=ref("Provider"),
                Irsa=ref("Irsa"),
                Arn=att("Profile", "Arn"),
            ),
        }
        self.assertEqual(aws.deploy("iam", template), "CREATE_COMPLETE", aws.reasons("iam"))
        made = aws.outputs("iam")
        iam = aws.client("iam")
        profile = iam.get_instance_profile(InstanceProfileName=made["Profile"])["InstanceProfile"]
        self.assertEqual([r["RoleName"] for r in profile["Roles"]], [made["Role"]])
        self.assertEqual(profile["Arn"], made["Arn"])
        document = iam.get_role(RoleName=made["Irsa"])["Role"]["AssumeRolePolicyDocument"]
        self.assertEqual(
            document["Statement"][0]["Condition"], {"StringEquals": {"127.0.0.1/oidc/id/ABC:aud": "sts.amazonaws.com"}}
        )
        self.assertEqual(document["Statement"][0]["Principal"]["Federated"], made["Provider"])

        template["Resources"]["Provider"]["Properties"]["ClientIdList"] = ["other"]
        template["Resources"]["Inline"]["Properties"]["PolicyDocument"] = parts.allow(["sqs:Send*"])
        self.assertEqual(aws.deploy("iam", template), "UPDATE_COMPLETE", aws.reasons("iam"))
        provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=made["Provider"])
        self.assertEqual(provider["ClientIDList"], ["other"])

        self.assertEqual(aws.delete("iam"), "DELETE_COMPLETE", aws.reasons("iam"))
        self.assertEqual(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"], [])
        self.assertEqual(iam.list_instance_profiles()["InstanceProfiles"], [])

    def test_role_in_use_is_not_deleted(self) -> None:
        template = {"Resources": {"Role": parts.role()}, "Outputs": parts.outputs(Role=ref("Role"))}
        iam = aws.client("iam")
        policy = iam.create_policy(PolicyName="outside", PolicyDocument=json.dumps(parts.allow(["sqs:*"])))["Policy"][
            "Arn"
        ]
        iam.create_instance_profile(InstanceProfileName="outside")
        uses = {
            "must remove roles from instance profile first": (
                lambda role: iam.add_role_to_instance_profile(InstanceProfileName="outside", RoleName=role),
                lambda role: iam.remove_role_from_instance_profile(InstanceProfileName="outside", RoleName=role),
            ),
            "must detach all policies first": (
                lambda role: iam.attach_role_policy(RoleName=role, PolicyArn=policy),
                lambda role: iam.detach_role_policy(RoleName=role, PolicyArn=policy),
            ),
            "must delete policies first": (
                lambda role: iam.put_role_policy(
                    RoleName=role, PolicyName="x", PolicyDocument=json.dumps(parts.allow(["sqs:*"]))
                ),
                lambda role: iam.delete_role_policy(RoleName=role, PolicyName="x"),
            ),
        }
        for reason, (use, undo) in uses.items():
            with self.subTest(reason):
                self.assertEqual(aws.deploy("role-used", template), "CREATE_COMPLETE", aws.reasons("role-used"))
                role = aws.outputs("role-used")["Role"]
                use(role)
                self.assertEqual(aws.delete("role-used"), "DELETE_FAILED")
                self.assertIn(reason, aws.reasons("role-used"))
                undo(role)
                self.assertEqual(aws.delete("role-used"), "DELETE_COMPLETE", aws.reasons("role-used"))

    def test_policy_that_does_not_exist_is_refused(self) -> None:
        arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicyy"
        template = {"Resources": {"Role": parts.role(ManagedPolicyArns=[arn])}}
        self.assertEqual(aws.deploy("typo", template), "ROLLBACK_COMPLETE")
        self.assertIn(f"Policy {arn} does not exist or is not attachable", aws.reasons("typo"))
