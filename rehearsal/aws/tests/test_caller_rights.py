"""What CloudFormation does with its caller's rights, or with those of a role: all of it, and nothing besides."""

import contextlib
import json
import os
import random
import unittest
from typing import Any

import bootstrap
import parts
from embedded import EmbeddedAWS
from parts import att, ref

ACCOUNT = "000000000000"
TRUST = parts.document(
    [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "cloudformation.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
)
# What a caller needs besides the rights on resources.
API = ["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"]

SAMPLE = 12

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    aws.publish("code", "function.zip", {"bootstrap": bootstrap.BOOTSTRAP})
    aws.client("s3").create_bucket(Bucket="templates")


def tearDownModule() -> None:
    aws.stop()


def statement(actions: list[str] | str, resource: Any = "*", **more: Any) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def role(name: str, *statements: dict) -> str:
    """Make or change a role with one policy; returns its ARN."""
    iam = aws.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    if statements:
        document = json.dumps(parts.document(list(statements)))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def cloudformation(role_arn: str) -> Any:
    """A client with the rights of the role."""
    got = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="me")["Credentials"]
    return aws.client("cloudformation", got)


def create(client: Any, name: str, template: dict, **more: Any) -> str:
    body = json.dumps(template)
    client.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **more)
    return aws.wait(name)


def update(client: Any, name: str, template: dict, **more: Any) -> str:
    body = json.dumps(template)
    client.update_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **more)
    return aws.wait(name)


def delete(client: Any, name: str, **more: Any) -> str:
    client.delete_stack(StackName=name, **more)
    return aws.wait(name) or "DELETE_COMPLETE"


def asked(since: int, who: str) -> set[str]:
    """The actions that were judged for a role's sessions, after the first so many lines of the log."""
    return {call["action"] for call in aws.calls()[since:] if f":assumed-role/{who}/" in call["principal"]}


def quickstart(cidr: str = "10.60", **changes: Any) -> dict:
    """A template with what the quickstart has: a network, a role, a function, a log group, a bucket and its policy."""
    return {
        "Resources": {
            **parts.network(zones=1, cidr=cidr),
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"GroupDescription": "functions", "VpcId": ref("Vpc")},
            },
            "Rule": {
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {"GroupId": att("Group", "GroupId"), "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
            },
            "Role": parts.role(
                actions=["s3:GetObject"],
                ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
                Tags=[{"Key": "team", "Value": changes.get("team", "data")}],
            ),
            "Function": parts.function(Timeout=changes.get("timeout", 30)),
            "Async": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {"FunctionName": ref("Function"), "Qualifier": "$LATEST", "MaximumRetryAttempts": 0},
            },
            "Logs": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": {"Fn::Sub": "/aws/lambda/${Function}"},
                    "RetentionInDays": changes.get("retention", 7),
                },
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
                    "VersioningConfiguration": {"Status": changes.get("versioning", "Enabled")},
                },
            },
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": ref("Bucket"),
                    "PolicyDocument": parts.document(
                        [
                            {
                                "Effect": "Deny",
                                "Principal": "*",
                                "Action": "s3:DeleteObject",
                                "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                            }
                        ]
                    ),
                },
            },
            "Thing": parts.custom(size=changes.get("size", 1)),
        }
    }


CHANGED = {"team": "platform", "timeout": 31, "retention": 30, "versioning": "Suspended", "size": 2}


class Exactly(unittest.TestCase):
    """A role with what the handlers ask, and nothing besides, does the whole life of a stack."""

    def test_no_more_than_asked_is_needed_and_no_less_will_do(self) -> None:
        before = len(aws.calls())
        whole = role("whole", statement("*"))
        client = cloudformation(whole)
        template, changed = quickstart(), quickstart(**CHANGED)
        self.assertEqual(create(client, "whole", template), "CREATE_COMPLETE", aws.reasons("whole"))
        creating = asked(before, "whole") - set(API)
        self.assertEqual(update(client, "whole", changed), "UPDATE_COMPLETE", aws.reasons("whole"))
        self.assertEqual(delete(client, "whole"), "DELETE_COMPLETE")
        needed = asked(before, "whole") - set(API)
        for action in ("ec2:CreateVpc", "ec2:CreateTags", "iam:PassRole", "s3:GetObject", "lambda:InvokeFunction"):
            self.assertIn(action, creating)
        for action in ("iam:TagRole", "lambda:UpdateFunctionConfiguration", "logs:PutRetentionPolicy"):
            self.assertIn(action, needed)
        for action in ("kms:Decrypt", "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation", "ec2:AttachVpnGateway"):
            self.assertNotIn(action, needed, "belongs to a property that the template does not set")

        enough = cloudformation(role("enough", statement(API + sorted(needed))))
        self.assertEqual(create(enough, "enough", template), "CREATE_COMPLETE", aws.reasons("enough"))
        self.assertEqual(update(enough, "enough", changed), "UPDATE_COMPLETE", aws.reasons("enough"))
        self.assertEqual(delete(enough, "enough"), "DELETE_COMPLETE", aws.reasons("enough"))

        seed = os.environ.get("SEED") or str(random.randrange(10**6))
        actions = sorted(creating)
        sample = actions if os.environ.get("CAMPAIGN") == "1" else random.Random(seed).sample(actions, SAMPLE)
        for action in sample:
            with self.subTest(action, seed=seed):
                self._fails_without(action, sorted(needed), template)

    def _fails_without(self, action: str, needed: list[str], template: dict) -> None:
        left = [one for one in needed if one != action]
        # What the create made is deleted in the rollback: with an action that it needs, too, taken away, that fails.
        client = cloudformation(role("lacking", statement(API + left)))
        status = create(client, "lacking", template)
        self.assertIn(status, ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"))
        failed = [why for _, state, why in aws.events("lacking") if state == "CREATE_FAILED"]
        self.assertEqual(len(failed), 1, "the first resource that needs it fails, and no other is begun")
        self.assertIn(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/lacking/me is not authorized to", failed[0])
        self.assertIn(f"no identity-based policy allows the {action} action", failed[0])
        role("lacking", statement(API + needed))
        self.assertEqual(delete(client, "lacking"), "DELETE_COMPLETE", aws.reasons("lacking"))


if __name__ == "__main__":
    unittest.main()
