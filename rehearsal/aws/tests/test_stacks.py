"""Requests for stacks: capabilities, sizes, rules, conditions and the order of resources."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import REGION, EmbeddedAWS
from parts import ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    aws.client("s3").create_bucket(Bucket="templates")


def tearDownModule() -> None:
    aws.stop()


def group(name: object) -> dict:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}


def equals(left: object, right: object) -> dict:
    return {"Fn::Equals": [left, right]}


class Requests(unittest.TestCase):
    def test_roles_need_a_capability(self) -> None:
        cases = {
            "a role without a name": (parts.role(), "CAPABILITY_IAM"),
            "a role with a name": (parts.role(RoleName="named"), "CAPABILITY_NAMED_IAM"),
        }
        for name, (role, capability) in cases.items():
            with self.subTest(name), self.assertRaises(ClientError) as refused:
                aws.deploy("caps", {"Resources": {"Role": role}}, Capabilities=[])
            self.assertEqual(refused.exception.response["Error"]["Code"], "InsufficientCapabilitiesException")
            self.assertIn(f"Requires capabilities : [{capability}]", str(refused.exception))
            self.assertEqual(aws.status("caps"), "")

    def test_big_template_comes_from_a_bucket(self) -> None:
        groups = {f"Group{n}": group(f"/big/{n}") for n in range(20)}
        big = {"Description": "x" * 1000, "Metadata": {"filling": "y" * 51200}, "Resources": groups}
        body = json.dumps(big)
        with self.assertRaisesRegex(ClientError, "less than or equal to 51200"):
            aws.client("cloudformation").create_stack(StackName="big", TemplateBody=body)
        aws.client("s3").put_object(Bucket="templates", Key="big.json", Body=body.encode())
        url = f"https://s3.{REGION}.amazonaws.com/templates/big.json"
        aws.client("cloudformation").create_stack(StackName="big", TemplateURL=url)
        self.assertEqual(aws.wait("big"), "CREATE_COMPLETE", aws.reasons("big"))
        self.assertEqual(aws.delete("big"), "DELETE_COMPLETE")

    def test_rule_refuses_before_anything_is_made(self) -> None:
        template = {
            "Parameters": {"Zone": {"Type": "String"}},
            "Mappings": {"Buckets": {"us-east-1": {"name": "b"}}},
            "Rules": {
                "NotHere": {
                    "Assertions": [
                        {"Assert": {"Fn::Not": [equals(ref("Zone"), "bad")]}, "AssertDescription": "bad is refused"}
                    ]
                }
            },
            "Resources": {"Group": group({"Fn::FindInMap": ["Buckets", ref("AWS::Region"), "name"]})},
        }
        with self.assertRaisesRegex(ClientError, "bad is refused"):
            aws.deploy("rules", template, Parameters=[{"ParameterKey": "Zone", "ParameterValue": "bad"}])
        status = aws.deploy("rules", template, Parameters=[{"ParameterKey": "Zone", "ParameterValue": "good"}])
        self.assertEqual(status, "CREATE_COMPLETE", aws.reasons("rules"))
        self.assertEqual(aws.delete("rules"), "DELETE_COMPLETE")

    def test_conditions_know_the_functions_that_aws_allows(self) -> None:
        third = {"Fn::Select": [2, {"Fn::Split": [",", ref("Zones")]}]}
        starts = {"Fn::Select": [0, {"Fn::Split": ["s3://", {"Fn::Join": ["", [ref("Source"), "s3://"]]}]}]}
        cases = {
            "a slot that is filled": {"Fn::Not": [equals(third, "")]},
            "a text that starts with s3://": equals(starts, ""),
            "a list that is not empty": {"Fn::Not": [equals({"Fn::Join": ["", ref("List")]}, "")]},
            "a pseudo parameter": equals({"Fn::Sub": "${AWS::Partition}/${AWS::Region}"}, "aws/us-east-1"),
            "a value of a mapping": equals({"Fn::FindInMap": ["M", "a", "b"]}, "found"),
            "conditions of conditions": {
                "Fn::And": [{"Condition": "Base"}, {"Fn::Or": [equals("a", "b"), {"Condition": "Base"}]}]
            },
        }
        for number, (name, condition) in enumerate(cases.items()):
            with self.subTest(name):
                template = {
                    "Parameters": {
                        "Zones": {"Type": "String", "Default": "a,b,c,,,"},
                        "Source": {"Type": "String", "Default": "s3://bucket/key"},
                        "List": {"Type": "CommaDelimitedList", "Default": "x,y"},
                    },
                    "Mappings": {"M": {"a": {"b": "found"}}},
                    "Conditions": {
                        "Base": equals("a", "a"),
                        "Yes": condition,
                        "No": {"Fn::Not": [{"Condition": "Yes"}]},
                    },
                    "Resources": {
                        "IfYes": {**group(f"/yes/{number}"), "Condition": "Yes"},
                        "IfNo": {**group(f"/no/{number}"), "Condition": "No"},
                        "NoValue": group({"Fn::If": ["Yes", ref("AWS::NoValue"), f"/named/{number}"]}),
                    },
                }
                stack = f"conditions{number}"
                self.assertEqual(aws.deploy(stack, template), "CREATE_COMPLETE", aws.reasons(stack))
                found = aws.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
                self.assertEqual({r["LogicalResourceId"] for r in found}, {"IfYes", "NoValue"})

    def test_condition_that_aws_refuses_is_refused(self) -> None:
        template = {
            "Conditions": {"Wrong": equals({"Fn::GetAtt": ["Group", "Arn"]}, "x")},
            "Resources": {"Group": group("/wrong")},
        }
        with self.assertRaisesRegex(ClientError, "Fn::GetAtt is not allowed in the Conditions block"):
            aws.deploy("wrong", template)

    def test_existing_log_group_is_not_taken_over(self) -> None:
        aws.client("logs").create_log_group(logGroupName="/mine")
        self.assertEqual(aws.deploy("clash", {"Resources": {"Group": group("/mine")}}), "ROLLBACK_COMPLETE")
        self.assertIn("already exists", aws.reasons("clash"))
        names = [g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]]
        self.assertIn("/mine", names, "and the rollback leaves it alone")
