"""What CloudFormation does with its caller's rights, or with those of a role: all of it, and nothing besides."""

import contextlib
import json
import os
import random
import unittest
from typing import Any

import bootstrap
import parts
from botocore.exceptions import ClientError
from embedded import LOCALKUBE, NO_LOCALKUBE, REGION, EmbeddedAWS
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


GROUPS = ["logs:*"]
ALL = statement("*")


def logs(name: str, **more: Any) -> dict:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, **more}}


def resources(**named: dict) -> dict:
    return {"Resources": named}


class Roles(unittest.TestCase):
    """RoleARN: CloudFormation acts as that role, then and later."""

    def test_role_counts_and_not_the_caller(self) -> None:
        service = role("service", statement(GROUPS))
        caller = cloudformation(role("only-stacks", statement(API), statement("iam:PassRole", service)))
        before = len(aws.calls())
        template = resources(Group=logs("/role/one"))
        self.assertEqual(create(caller, "role", template, RoleARN=service), "CREATE_COMPLETE", aws.reasons("role"))
        self.assertEqual(caller_of("logs:CreateLogGroup", before), "service/AWSCloudFormation")
        self.assertEqual(
            aws.client("cloudformation").describe_stacks(StackName="role")["Stacks"][0]["RoleARN"], service
        )

        template["Resources"]["Second"] = logs("/role/two")
        self.assertEqual(update(caller, "role", template), "UPDATE_COMPLETE", "the stack keeps its role")
        self.assertEqual(delete(caller, "role"), "DELETE_COMPLETE", aws.reasons("role"))
        self.assertEqual(asked(before, "only-stacks") - set(API), {"iam:PassRole"})

    def test_role_limits_who_may_do_everything(self) -> None:
        narrow, caller = role("narrow", statement("logs:DescribeLogGroups")), cloudformation(role("mighty", ALL))
        self.assertEqual(create(caller, "narrow", resources(Group=logs("/n")), RoleARN=narrow), "ROLLBACK_COMPLETE")
        self.assertIn("assumed-role/narrow/AWSCloudFormation is not authorized", aws.reasons("narrow"))
        self.assertEqual(delete(caller, "narrow"), "DELETE_COMPLETE")

    def test_change_set_keeps_its_role_for_its_execution(self) -> None:
        planned, before = role("planned", statement(GROUPS)), len(aws.calls())
        client = aws.client("cloudformation")
        body = json.dumps(resources(Group=logs("/planned")))
        client.create_change_set(
            StackName="planned", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body, RoleARN=planned
        )
        client.execute_change_set(StackName="planned", ChangeSetName="first")
        self.assertEqual(aws.wait("planned"), "CREATE_COMPLETE", aws.reasons("planned"))
        self.assertEqual(caller_of("logs:CreateLogGroup", before), "planned/AWSCloudFormation")
        other = role("undertaker", statement(GROUPS))
        self.assertEqual(delete(client, "planned", RoleARN=other), "DELETE_COMPLETE")
        self.assertEqual(caller_of("logs:DeleteLogGroup", before), "undertaker/AWSCloudFormation")

    def test_role_that_does_not_trust_cloudformation_is_refused(self) -> None:
        iam, trust = aws.client("iam"), json.dumps(parts.trust("lambda.amazonaws.com"))
        iam.create_role(RoleName="functions-own", AssumeRolePolicyDocument=trust)
        for name in ("functions-own", "nobodys"):
            arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
            with self.subTest(name), self.assertRaisesRegex(ClientError, f"Role {arn} is invalid or cannot be assumed"):
                create(aws.client("cloudformation"), "untrusted", resources(Group=logs("/u")), RoleARN=arn)
        self.assertEqual(aws.status("untrusted"), "")

    def test_called_via_tells_a_caller_from_a_role(self) -> None:
        via = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}}
        arn = role("via", statement(API), statement(GROUPS, Condition=via))
        self.assertEqual(create(cloudformation(arn), "via", resources(Group=logs("/via"))), "CREATE_COMPLETE")
        root = aws.client("cloudformation")
        self.assertEqual(create(root, "not-via", resources(Group=logs("/not-via")), RoleARN=arn), "ROLLBACK_COMPLETE")
        self.assertEqual(delete(cloudformation(arn), "via"), "DELETE_COMPLETE", aws.reasons("via"))


def caller_of(action: str, since: int) -> str:
    """ROLE/SESSION of who did an action last."""
    found = [call["principal"] for call in aws.calls()[since:] if call["action"] == action]
    return found[-1].split("assumed-role/")[1]


class SameRights(unittest.TestCase):
    """Rollback, clean-up and delete are judged like everything else."""

    def test_rollback_that_may_not_delete_fails(self) -> None:
        left = ["logs:Create*", "logs:Describe*", "logs:Put*", "logs:Tag*"]
        client = cloudformation(role("no-way-back", statement(API + left)))
        template = resources(First=logs("/back"), Second={**parts.role(), "DependsOn": "First"})
        self.assertEqual(create(client, "back", template), "ROLLBACK_FAILED")
        self.assertIn("First: Resource handler returned message", aws.reasons("back"))
        self.assertIn("logs:DeleteLogGroup", aws.reasons("back"))
        self.assertEqual(delete(client, "back"), "DELETE_FAILED")
        self.assertEqual(aws.delete("back"), "DELETE_COMPLETE", "the account's root may")

    def test_update_needs_what_its_change_calls(self) -> None:
        rights = ["logs:Create*", "logs:DeleteLogGroup", "logs:Describe*", "logs:ListTags*", "logs:Tag*"]
        client = cloudformation(role("no-retention", statement(API + rights)))
        template = resources(Group=logs("/retention"))
        self.assertEqual(create(client, "retention", template), "CREATE_COMPLETE", aws.reasons("retention"))
        template["Resources"]["Other"] = logs("/retention/2")
        self.assertEqual(update(client, "retention", template), "UPDATE_COMPLETE", "the first is not touched")
        template["Resources"]["Group"] = logs("/retention", RetentionInDays=7)
        self.assertEqual(update(client, "retention", template), "UPDATE_ROLLBACK_COMPLETE")
        self.assertIn("allows the logs:PutRetentionPolicy action", aws.reasons("retention"))
        template["Resources"]["Group"] = logs("/retention/renamed")
        self.assertEqual(update(client, "retention", template), "UPDATE_COMPLETE", aws.reasons("retention"))
        self.assertEqual(delete(client, "retention"), "DELETE_COMPLETE")

    def test_function_of_a_custom_resource_must_be_invocable(self) -> None:
        made = resources(Role=parts.role(), Function=parts.function(FunctionName="things"))
        self.assertEqual(create(aws.client("cloudformation"), "things", made), "CREATE_COMPLETE", aws.reasons("things"))
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:things"
        template = resources(Thing={"Type": "Custom::Thing", "Properties": {"ServiceToken": arn}})
        denied = cloudformation(role("no-invoke", statement(API)))
        self.assertEqual(create(denied, "no-invoke", template), "ROLLBACK_COMPLETE")
        told = f"is not authorized to perform: lambda:InvokeFunction on resource: {arn} because"
        self.assertIn(told, aws.reasons("no-invoke"))
        allowed = cloudformation(role("invoke", statement(API), statement("lambda:InvokeFunction", arn)))
        self.assertEqual(create(allowed, "invoke", template), "CREATE_COMPLETE", aws.reasons("invoke"))
        self.assertEqual(delete(allowed, "invoke"), "DELETE_COMPLETE")


class Scoped(unittest.TestCase):
    """Statements on ARNs and conditions match as they would on AWS."""

    def test_rows(self) -> None:
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/limit"
        document = json.dumps(parts.allow(["s3:*"]))
        aws.client("iam").create_policy(PolicyName="limit", PolicyDocument=document)
        own = f"arn:aws:iam::{ACCOUNT}:role"
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.61.0.0/16"}}
        table = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}}
        role_of_function = {"Role": parts.role(), "Function": parts.function()}
        of_eks = {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/*EKS*"}}
        rows: list[tuple[str, dict, list[dict], str]] = [
            ("a role by the stack's name", resources(R=parts.role()), [statement("iam:*", f"{own}/row-*")], ""),
            (
                "a role of another name",
                resources(R=parts.role()),
                [statement("iam:*", f"{own}/else-*")],
                "iam:CreateRole",
            ),
            ("a role below a path", resources(R=parts.role(Path="/p/")), [statement("iam:*", f"{own}/p/row-*")], ""),
            (
                "a role with its boundary",
                resources(R=parts.role(PermissionsBoundary=boundary)),
                [
                    statement("iam:CreateRole", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}}),
                    statement(["iam:GetRole", "iam:DeleteRole", "iam:List*", "iam:TagRole"]),
                ],
                "",
            ),
            (
                "a role without the boundary",
                resources(R=parts.role()),
                [statement("iam:*", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}})],
                "iam:CreateRole",
            ),
            (
                "a policy that may be attached",
                resources(R=parts.role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"])),
                [
                    {"Effect": "Allow", "NotAction": "iam:AttachRolePolicy", "Resource": "*"},
                    statement("iam:AttachRolePolicy", Condition=of_eks),
                ],
                "",
            ),
            (
                "another policy",
                resources(R=parts.role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
                [
                    {"Effect": "Allow", "NotAction": "iam:AttachRolePolicy", "Resource": "*"},
                    statement("iam:AttachRolePolicy", Condition=of_eks),
                ],
                "iam:AttachRolePolicy",
            ),
            (
                "a role passed to functions",
                {"Resources": role_of_function},
                [
                    {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"},
                    statement(
                        "iam:PassRole",
                        f"{own}/row-*",
                        Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
                    ),
                ],
                "",
            ),
            (
                "a role passed to instances",
                {"Resources": role_of_function},
                [
                    {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"},
                    statement("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
                ],
                "iam:PassRole",
            ),
            (
                "the code's bucket",
                {"Resources": role_of_function},
                [
                    {"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"},
                    statement("s3:GetObject", "arn:aws:s3:::code/*"),
                ],
                "",
            ),
            (
                "another bucket",
                {"Resources": role_of_function},
                [
                    {"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"},
                    statement("s3:GetObject", "arn:aws:s3:::others/*"),
                ],
                "s3:GetObject",
            ),
            (
                "a log group as policies name it",
                resources(G=logs("/row/a")),
                [
                    statement("logs:DescribeLogGroups"),
                    statement("logs:*", f"{group}:/row/*:*"),
                    statement("logs:TagResource", f"{group}:/row/*"),
                ],
                "",
            ),
            (
                "another log group",
                resources(G=logs("/row/a")),
                [statement("logs:*", f"{group}:/o/*")],
                "DescribeLogGroups",
            ),
            (
                "tags on creation",
                resources(Vpc=vpc),
                [
                    {"Effect": "Allow", "NotAction": "ec2:CreateTags", "Resource": "*"},
                    statement("ec2:CreateTags", Condition={"StringEquals": {"ec2:CreateAction": "CreateVpc"}}),
                ],
                "",
            ),
            (
                "tags on creation of something else",
                resources(Vpc=vpc),
                [
                    {"Effect": "Allow", "NotAction": "ec2:CreateTags", "Resource": "*"},
                    statement("ec2:CreateTags", Condition={"StringEquals": {"ec2:CreateAction": "CreateSubnet"}}),
                ],
                "ec2:CreateTags",
            ),
            (
                "the stack's tag in the request",
                resources(Vpc=vpc),
                [
                    {"Effect": "Allow", "NotAction": "ec2:CreateVpc", "Resource": "*"},
                    statement("ec2:CreateVpc", Condition={"StringEquals": {"aws:RequestTag/team": "data"}}),
                ],
                "",
            ),
            (
                "another tag in the request",
                resources(Vpc=vpc),
                [
                    {"Effect": "Allow", "NotAction": "ec2:CreateVpc", "Resource": "*"},
                    statement("ec2:CreateVpc", Condition={"StringEquals": {"aws:RequestTag/team": "web"}}),
                ],
                "ec2:CreateVpc",
            ),
            (
                "a network by its tag",
                resources(Vpc=vpc, Table=table),
                [
                    {"Effect": "Allow", "NotAction": ["ec2:CreateRouteTable", "ec2:DeleteVpc"], "Resource": "*"},
                    statement("ec2:CreateRouteTable", f"arn:aws:ec2:{REGION}:{ACCOUNT}:route-table/*"),
                    statement(
                        ["ec2:CreateRouteTable", "ec2:DeleteVpc"],
                        f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/*",
                        Condition={"StringEquals": {"aws:ResourceTag/team": "data"}},
                    ),
                ],
                "",
            ),
            (
                "a network by another tag",
                resources(Vpc=vpc, Table=table),
                [
                    {"Effect": "Allow", "NotAction": "ec2:CreateRouteTable", "Resource": "*"},
                    statement("ec2:CreateRouteTable", f"arn:aws:ec2:{REGION}:{ACCOUNT}:route-table/*"),
                    statement(
                        "ec2:CreateRouteTable",
                        f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/*",
                        Condition={"StringEquals": {"aws:ResourceTag/team": "web"}},
                    ),
                ],
                "ec2:CreateRouteTable",
            ),
        ]
        for number, (name, template, statements, denied) in enumerate(rows):
            with self.subTest(name):
                stack = f"row-{number}"
                client = cloudformation(role(f"scope-{number}", statement(API), *statements))
                status = create(client, stack, template, Tags=[{"Key": "team", "Value": "data"}])
                self.assertEqual(status, "ROLLBACK_COMPLETE" if denied else "CREATE_COMPLETE", aws.reasons(stack))
                self.assertIn(f"{denied} action" if denied else "", aws.reasons(stack))
                if not denied:
                    self.assertEqual(delete(client, stack), "DELETE_COMPLETE", aws.reasons(stack))

    def test_tagging_is_refused_in_words_of_its_own(self) -> None:
        rights = {"Effect": "Allow", "NotAction": "s3:PutBucketTagging", "Resource": "*"}
        client = cloudformation(role("no-tags", rights))
        self.assertEqual(create(client, "no-tags", resources(B={"Type": "AWS::S3::Bucket"})), "ROLLBACK_COMPLETE")
        self.assertIn("HandlerErrorCode: UnauthorizedTaggingOperation", aws.reasons("no-tags"))
        self.assertIn("please add required tag permissions", aws.reasons("no-tags"))


class Reads(unittest.TestCase):
    """Templates in buckets and parameters of the parameter store are read with somebody's rights, too."""

    def url(self, key: str, template: dict) -> str:
        aws.client("s3").put_object(Bucket="templates", Key=key, Body=json.dumps(template).encode())
        return f"https://s3.{REGION}.amazonaws.com/templates/{key}"

    def test_template_is_read_by_the_caller(self) -> None:
        url = self.url("plain.json", resources(Group=logs("/plain")))
        able = role("able", ALL)
        denied = cloudformation(role("no-read", statement(API), statement("iam:PassRole")))
        with self.assertRaisesRegex(ClientError, "S3 error: Access Denied"):
            denied.create_stack(StackName="plain", TemplateURL=url, RoleARN=able)
        read = statement("s3:GetObject", "arn:aws:s3:::templates/*")
        allowed = cloudformation(role("read", statement(API), statement("iam:PassRole"), read))
        allowed.create_stack(StackName="plain", TemplateURL=url, RoleARN=able)
        self.assertEqual(aws.wait("plain"), "CREATE_COMPLETE", aws.reasons("plain"))
        self.assertEqual(aws.delete("plain"), "DELETE_COMPLETE")

    def test_nested_stack_is_made_with_the_same_rights(self) -> None:
        child = resources(Group=logs("/child"), Role={**parts.role(), "DependsOn": "Group"})
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": self.url("child.json", child)}}
        template = resources(Child=nested)
        stacks = "cloudformation:*"
        read = statement("s3:GetObject", "arn:aws:s3:::templates/*")
        rows = {
            "cloudformation:CreateStack": [
                statement("cloudformation:DescribeStacks"),
                statement("cloudformation:*Stack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/parent-0/*"),
                read,
            ],
            "s3:GetObject": [statement(stacks), statement(GROUPS), statement("iam:*")],
            "iam:CreateRole": [statement(stacks), read, statement(GROUPS)],
            "": [statement(stacks), read, statement(GROUPS), statement("iam:*")],
        }
        for number, (denied, statements) in enumerate(rows.items()):
            with self.subTest(denied or "all"):
                name = f"parent-{number}"
                client = cloudformation(role(name, *statements))
                status = create(client, name, template)
                self.assertEqual(status, "ROLLBACK_COMPLETE" if denied else "CREATE_COMPLETE", aws.reasons(name))
                self.assertIn(f"{denied} action" if denied else "", aws.reasons(name))
                if not denied:
                    self.assertEqual(delete(client, name), "DELETE_COMPLETE", aws.reasons(name))
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix="/child")["logGroups"]
        self.assertEqual(groups, [], "what a child had made is gone")

    def test_parameter_is_read_with_the_stacks_rights(self) -> None:
        aws.client("ssm").put_parameter(Name="/names/group", Value="/named", Type="String")
        kind = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/names/group"}
        template = {
            "Parameters": {"Name": kind},
            **resources(Group={**logs("x"), "Properties": {"LogGroupName": ref("Name")}}),
        }
        denied = cloudformation(role("no-parameters", statement(API + GROUPS)))
        told = f"ssm:GetParameters on resource: arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/names/group because no"
        with self.assertRaisesRegex(ClientError, told):
            create(denied, "named", template)
        self.assertEqual(aws.status("named"), "")
        change = {"StackName": "named", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
        planner = cloudformation(role("no-parameters", statement(["cloudformation:*", *GROUPS])))
        with self.assertRaisesRegex(ClientError, told):
            planner.create_change_set(**change, TemplateBody=json.dumps(template))
        self.assertEqual(aws.status("named"), "", "no stack is left in review")
        allowed = cloudformation(role("parameters", statement([*API, *GROUPS, "ssm:GetParameters"])))
        self.assertEqual(create(allowed, "named", template), "CREATE_COMPLETE", aws.reasons("named"))
        self.assertEqual(delete(allowed, "named"), "DELETE_COMPLETE")


@unittest.skipUnless(LOCALKUBE, NO_LOCALKUBE)
class Clusters(unittest.TestCase):
    def test_cluster_needs_its_role_passed_and_its_entry_made(self) -> None:
        subnets = [ref("Private0"), ref("Private1")]
        entry = {"ClusterName": ref("Cluster"), "PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/viewer", "Tags": []}
        template = resources(
            **parts.network(cidr="10.62"),
            Role=parts.role("eks.amazonaws.com", RoleName="control-plane"),
            Cluster={
                "Type": "AWS::EKS::Cluster",
                "Properties": {
                    "Name": "owned",
                    "Version": "1.36",
                    "RoleArn": att("Role", "Arn"),
                    "AccessConfig": {"AuthenticationMode": "API"},
                    "ResourcesVpcConfig": {"SubnetIds": subnets},
                },
            },
            Entry={"Type": "AWS::EKS::AccessEntry", "Properties": entry},
        )
        role("viewer")
        passed = f"arn:aws:iam::{ACCOUNT}:role/control-plane"
        rights = [
            statement([*API, "ec2:*", "iam:CreateRole", "iam:DeleteRole", "iam:Get*", "iam:List*"]),
            statement(
                "iam:CreateServiceLinkedRole", Condition={"StringEquals": {"iam:AWSServiceName": "eks.amazonaws.com"}}
            ),
            statement("eks:CreateCluster"),
            statement("eks:*", f"arn:aws:eks:{REGION}:{ACCOUNT}:*/owned*"),
            statement("iam:PassRole", passed, Condition={"StringEquals": {"iam:PassedToService": "eks.amazonaws.com"}}),
        ]
        lacking = cloudformation(role("no-pass", *rights[:-1]))
        self.assertEqual(create(lacking, "no-pass", template), "ROLLBACK_COMPLETE", aws.reasons("no-pass"))
        self.assertIn(f"iam:PassRole on resource: {passed} because", aws.reasons("no-pass"))
        enough = cloudformation(role("pass", *rights))
        self.assertEqual(create(enough, "pass", template), "CREATE_COMPLETE", aws.reasons("pass"))
        self.assertEqual(delete(enough, "pass"), "DELETE_COMPLETE", aws.reasons("pass"))


if __name__ == "__main__":
    unittest.main()
