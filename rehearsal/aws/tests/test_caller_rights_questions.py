"""What IAM is asked for one operation on one resource: tables, without a server."""

import re
import sys
import unittest
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plugin import resource_schemas
from plugin.caller_rights import permissions, targets
from plugin.caller_rights.permissions import CREATE, DELETE, UPDATE
from plugin.caller_rights.targets import Account, Operation

REPOSITORY = Path(__file__).resolve().parents[3]
TEMPLATES = [REPOSITORY / "quickstart.yaml", *sorted((REPOSITORY / "templates").glob("*.yaml"))]
ACCOUNT = Account("111122223333", "eu-west-1", role_arn=lambda name: f"arn:aws:iam::111122223333:role/path/{name}")


def asked(kind: str, operation: str, old: dict, new: dict) -> set[str]:
    """The actions without the service's reads, which say nothing about a change."""
    listed = resource_schemas.permissions(kind, operation)
    found = permissions.asked(kind, operation, listed, resource_schemas.tagging(kind), old, new)
    return {action for action in found if not re.match(r"\w+:(Describe|Get|List)", action)}


def arns(operation: Operation, action: str) -> list[str]:
    return [question.resource for question in targets.questions(operation, [action], ACCOUNT)]


class Actions(unittest.TestCase):
    def test_updates_ask_for_what_the_change_calls(self) -> None:
        inline = {"PolicyName": "own", "PolicyDocument": {"Statement": []}}
        tag, other, system = ({"Key": key, "Value": "x"} for key in ("a", "b", "aws:cloudformation:stack-id"))
        rows: list[tuple[str, dict, dict, set[str]]] = [
            ("AWS::EC2::VPC", {"Tags": [tag]}, {"Tags": [tag, other]}, {"ec2:CreateTags"}),
            ("AWS::EC2::VPC", {"Tags": [tag]}, {"Tags": []}, {"ec2:DeleteTags"}),
            ("AWS::EC2::VPC", {"Tags": [tag]}, {"Tags": [tag, system]}, set()),
            ("AWS::EC2::VPC", {}, {"EnableDnsSupport": True}, {"ec2:ModifyVpcAttribute"}),
            ("AWS::IAM::Role", {}, {"PermissionsBoundary": "arn"}, {"iam:PutRolePermissionsBoundary"}),
            ("AWS::IAM::Role", {"PermissionsBoundary": "arn"}, {}, {"iam:DeleteRolePermissionsBoundary"}),
            (
                "AWS::IAM::Role",
                {"ManagedPolicyArns": ["a"]},
                {"ManagedPolicyArns": ["a", "b"]},
                {"iam:AttachRolePolicy"},
            ),
            (
                "AWS::IAM::Role",
                {"ManagedPolicyArns": ["a", "b"]},
                {"ManagedPolicyArns": ["a"]},
                {"iam:DetachRolePolicy"},
            ),
            (
                "AWS::IAM::Role",
                {"Policies": [{**inline, "PolicyDocument": {}}]},
                {"Policies": [inline]},
                {"iam:PutRolePolicy"},
            ),
            ("AWS::IAM::Role", {"Policies": [inline]}, {"Policies": []}, {"iam:DeleteRolePolicy"}),
            (
                "AWS::Lambda::Function",
                {"Timeout": 1},
                {"Timeout": 2},
                {"lambda:UpdateFunctionConfiguration", "iam:PassRole"},
            ),
            (
                "AWS::Lambda::Function",
                {"Code": {"S3Key": "a"}},
                {"Code": {"S3Key": "b"}},
                {"lambda:UpdateFunctionCode"},
            ),
            ("AWS::EKS::Cluster", {"Version": "1"}, {"Version": "2"}, {"eks:UpdateClusterVersion"}),
            ("AWS::Logs::LogGroup", {"RetentionInDays": 7}, {}, {"logs:DeleteRetentionPolicy"}),
        ]
        # Asked at each update of the type: no property tells them apart.
        always = {"AWS::EKS::Cluster": {"iam:PassRole", "eks:ActivateCertificateAuthority"}}
        for kind, old, new, wanted in rows:
            with self.subTest(kind, old=old, new=new):
                found = asked(kind, UPDATE, old, new) - always.get(kind, set())
                unknown = {"s3:GetObject", "s3:REST.PUT.OBJECT", "lambda:AssociateRuntimeAlias"}
                self.assertEqual(found - unknown, wanted)

    def test_deletes_take_no_tags_off(self) -> None:
        for kind in ("AWS::IAM::Role", "AWS::EC2::VPCEndpoint", "AWS::S3::Bucket"):
            found = asked(kind, DELETE, {"Tags": [{"Key": "a", "Value": "b"}]}, {})
            self.assertEqual([a for a in found if re.search("Tag", a)], [], kind)

    def test_table_names_what_the_schemas_have(self) -> None:
        for kind, actions in permissions._OF_PROPERTIES.items():
            schema = resource_schemas.schema(kind)
            listed = {action for handler in schema["handlers"].values() for action in handler["permissions"]}
            self.assertLessEqual(actions.keys(), listed, f"{kind}: actions that no handler calls")
            names = {path.split(".")[0] for paths in actions.values() for path in paths}
            self.assertLessEqual(names, schema["properties"].keys(), f"{kind}: properties that it has not")


class Resources(unittest.TestCase):
    def test_rows(self) -> None:
        ec2, iam, eks = (
            "arn:aws:ec2:eu-west-1:111122223333",
            "arn:aws:iam::111122223333",
            "arn:aws:eks:eu-west-1:111122223333",
        )
        code = {"Code": {"S3Bucket": "b", "S3Key": "k/f.zip"}, "Role": f"{iam}:role/r"}
        entry = {"ClusterName": "c", "PrincipalArn": f"{iam}:role/team/r"}
        rows: list[tuple[str, str, str, dict, dict[str, Any], list[str]]] = [
            (
                "AWS::EC2::Subnet",
                CREATE,
                "ec2:CreateSubnet",
                {"VpcId": "vpc-1"},
                {},
                [f"{ec2}:subnet/*", f"{ec2}:vpc/vpc-1"],
            ),
            (
                "AWS::EC2::Subnet",
                DELETE,
                "ec2:DeleteSubnet",
                {"VpcId": "vpc-1"},
                {"physical_id": "subnet-1"},
                [f"{ec2}:subnet/subnet-1"],
            ),
            ("AWS::EC2::Subnet", CREATE, "ec2:DescribeSubnets", {"VpcId": "vpc-1"}, {}, ["*"]),
            ("AWS::EC2::Subnet", CREATE, "ec2:CreateTags", {"VpcId": "vpc-1"}, {}, [f"{ec2}:subnet/*"]),
            (
                "AWS::EC2::EIP",
                DELETE,
                "ec2:ReleaseAddress",
                {},
                {"physical_id": "192.0.2.1", "attributes": {"AllocationId": "eipalloc-1"}},
                [f"{ec2}:elastic-ip/eipalloc-1"],
            ),
            ("AWS::IAM::Role", CREATE, "iam:CreateRole", {"Path": "/p/"}, {"name": "s-R-1"}, [f"{iam}:role/p/s-R-1"]),
            ("AWS::IAM::InstanceProfile", CREATE, "iam:PassRole", {"Roles": ["r"]}, {}, [f"{iam}:role/path/r"]),
            ("AWS::Lambda::Function", CREATE, "s3:GetObject", code, {"name": "f"}, ["arn:aws:s3:::b/k/f.zip"]),
            ("AWS::Lambda::Function", CREATE, "iam:PassRole", code, {"name": "f"}, [f"{iam}:role/r"]),
            ("AWS::EKS::AccessEntry", CREATE, "eks:CreateAccessEntry", entry, {}, [f"{eks}:cluster/c"]),
            (
                "AWS::EKS::AccessEntry",
                DELETE,
                "eks:DeleteAccessEntry",
                entry,
                {},
                [f"{eks}:access-entry/c/role/111122223333/r/*"],
            ),
            ("AWS::S3::BucketPolicy", CREATE, "s3:PutBucketPolicy", {"Bucket": "b"}, {}, ["arn:aws:s3:::b"]),
            ("AWS::Logs::LogGroup", CREATE, "s3:REST.PUT.OBJECT", {}, {}, []),
            (
                "AWS::SQS::QueuePolicy",
                CREATE,
                "sqs:SetQueueAttributes",
                {"Queues": ["https://sqs.eu-west-1.amazonaws.com/111122223333/q"]},
                {},
                ["arn:aws:sqs:eu-west-1:111122223333:q"],
            ),
            (
                "AWS::EKS::Nodegroup",
                CREATE,
                "ec2:CreateTags",
                {"Subnets": ["subnet-1"], "LaunchTemplate": {"Id": "lt-1"}},
                {},
                [f"{ec2}:instance/*", f"{ec2}:network-interface/*", f"{ec2}:volume/*"],
            ),
        ]
        for kind, operation, action, properties, more, wanted in rows:
            with self.subTest(f"{action} for {kind}"):
                old, new = (properties, {}) if operation == DELETE else ({}, properties)
                self.assertEqual(arns(Operation(operation, kind, old, new, **more), action), wanted)

    def test_what_follows_a_create_finds_the_tags_in_place(self) -> None:
        tags = [{"Key": "app", "Value": "x"}]
        specifications = [{"ResourceType": "launch-template", "Tags": tags}]
        request, resource = {"aws:RequestTag/app": "x"}, {"aws:ResourceTag/app": "x"}
        rows: list[tuple[str, str, dict, dict[str, str]]] = [
            ("AWS::EC2::VPC", "ec2:CreateVpc", {"Tags": tags}, request),
            ("AWS::EC2::VPC", "ec2:CreateTags", {"Tags": tags}, request),
            ("AWS::EC2::VPC", "ec2:ModifyVpcAttribute", {"Tags": tags}, resource),
            ("AWS::EC2::SecurityGroup", "ec2:AuthorizeSecurityGroupEgress", {"Tags": tags}, resource),
            ("AWS::EC2::LaunchTemplate", "ec2:CreateLaunchTemplate", {"TagSpecifications": specifications}, request),
        ]
        for kind, action, properties, wanted in rows:
            with self.subTest(f"{action} for {kind}"):
                asked = targets.questions(Operation(CREATE, kind, {}, properties), [action], ACCOUNT)
                found = {name: value for name, value in asked[0].keys.items() if name.startswith("aws:R")}
                self.assertEqual(found, wanted)

    def test_a_node_group_launches_from_its_template_only(self) -> None:
        group = Operation(CREATE, "AWS::EKS::Nodegroup", {}, {"LaunchTemplate": {"Id": "lt-1"}})
        template = "arn:aws:ec2:eu-west-1:111122223333:launch-template/lt-1"
        asked = targets.questions(group, ["ec2:RunInstances"], ACCOUNT)
        self.assertIn(template, [question.resource for question in asked])
        self.assertEqual({question.keys.get("ec2:LaunchTemplate") for question in asked}, {template})

    def test_every_type_of_the_templates_has_arns_of_its_own(self) -> None:
        templates = [yaml.safe_load(template.read_text(encoding="utf-8")) for template in TEMPLATES]
        types = {resource["Type"] for template in templates for resource in template["Resources"].values()}
        kinds = sorted(kind for kind in types if kind.startswith("AWS::"))
        self.assertGreater(len(kinds), 20)
        for kind in kinds:
            schema = resource_schemas.schema(kind)
            self.assertTrue(schema, f"{kind} has no schema")
            for operation in (CREATE, UPDATE, DELETE):
                with self.subTest(f"{operation} {kind}"):
                    actions = resource_schemas.permissions(kind, operation)
                    found = targets.questions(Operation(operation, kind, {}, {}, name="name"), actions, ACCOUNT)
                    self.assertNotIn("${", str(found))
                    self.assertTrue(found or not actions)
                    for question in found:
                        service, name = question.action.split(":")
                        if question.resource != "*" and service != "kms":
                            self.assertRegex(question.resource, "^arn:aws:", name)


if __name__ == "__main__":
    unittest.main()
