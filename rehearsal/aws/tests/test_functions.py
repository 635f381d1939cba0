"""Functions: what CreateFunction checks, what a function sees, and what is left of it."""

import json
import unittest

import parts
from bootstrap import BOOTSTRAP
from embedded import EmbeddedAWS
from parts import att, ref

INTERFACES = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]
HTTPS_OUT = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    aws.publish("code", "function.zip", {"bootstrap": BOOTSTRAP})


def tearDownModule() -> None:
    aws.stop()


def in_network(**more: object) -> dict:
    group = {"GroupDescription": "functions", "VpcId": ref("Vpc"), "SecurityGroupEgress": HTTPS_OUT}
    resources = {
        **parts.network(),
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Role": parts.role(actions=INTERFACES),
        "Function": parts.function(
            VpcConfig={"SubnetIds": [ref("Private0"), ref("Private1")], "SecurityGroupIds": [att("Group", "GroupId")]}
        ),
        "Thing": {**parts.custom(), "DependsOn": ["PrivateRoute", "PrivateAssociation0", "PrivateAssociation1"]},
    }
    for logical_id, change in more.items():
        resources[logical_id] = {**resources[logical_id], **change}
    return {"Resources": resources}


def interface_endpoint(service: str) -> dict:
    return {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            "VpcId": ref("Vpc"),
            "ServiceName": {"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{service}"},
            "VpcEndpointType": "Interface",
            "SubnetIds": [ref("Private0")],
        },
    }


class Functions(unittest.TestCase):
    def test_made_with_all_settings_changed_and_deleted(self) -> None:
        template = {
            "Resources": {
                "Role": parts.role(),
                "Function": parts.function(
                    Description="first",
                    MemorySize=256,
                    ReservedConcurrentExecutions=2,
                    Architectures=["arm64"],
                    Environment={"Variables": {"MODE": "a"}},
                    Tags=[{"Key": "k", "Value": "v"}],
                ),
                "Invoke": {
                    "Type": "AWS::Lambda::EventInvokeConfig",
                    "Properties": {
                        "FunctionName": ref("Function"),
                        "Qualifier": "$LATEST",
                        "MaximumRetryAttempts": 0,
                        "MaximumEventAgeInSeconds": 3600,
                    },
                },
                "Permission": {
                    "Type": "AWS::Lambda::Permission",
                    "Properties": {
                        "FunctionName": ref("Function"),
                        "Action": "lambda:InvokeFunction",
                        "Principal": "events.amazonaws.com",
                    },
                },
                "Thing": parts.custom(),
            },
            "Outputs": parts.outputs(
                Function=ref("Function"), Arn=att("Function", "Arn"), Environment=att("Thing", "Environment")
            ),
        }
        before = set(aws.children())
        self.assertEqual(aws.deploy("whole", template), "CREATE_COMPLETE", aws.reasons("whole"))
        made = aws.outputs("whole")
        seen = set(json.loads(made["Environment"]))
        self.assertIn("MODE", seen)
        self.assertIn("AWS_LAMBDA_FUNCTION_NAME", seen)
        self.assertFalse({"HOME", "REHEARSAL_STATE", "MINISTACK_REGION", "USE_SSL"} & seen, seen)
        service = aws.client("lambda")
        config = service.get_function(FunctionName=made["Function"])
        self.assertEqual(config["Concurrency"]["ReservedConcurrentExecutions"], 2)
        self.assertEqual(config["Tags"]["k"], "v")
        self.assertEqual(config["Configuration"]["Architectures"], ["arm64"])
        invoke = service.get_function_event_invoke_config(FunctionName=made["Function"], Qualifier="$LATEST")
        self.assertEqual((invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]), (0, 3600))
        self.assertIn("events.amazonaws.com", service.get_policy(FunctionName=made["Function"])["Policy"])

        properties = template["Resources"]["Function"]["Properties"]
        del properties["Description"], properties["ReservedConcurrentExecutions"]
        properties["Environment"] = {"Variables": {"OTHER": "b"}}
        properties["MemorySize"] = 512
        template["Resources"]["Thing"]["Properties"]["Echo"] = "again"
        self.assertEqual(aws.deploy("whole", template), "UPDATE_COMPLETE", aws.reasons("whole"))
        changed = service.get_function(FunctionName=made["Function"])
        self.assertEqual((changed["Configuration"]["Description"], changed["Configuration"]["MemorySize"]), ("", 512))
        self.assertNotIn("Concurrency", changed)
        self.assertIn("OTHER", json.loads(aws.outputs("whole")["Environment"]), "a new process has the new environment")

        self.assertEqual(len(set(aws.children()) - before), 1, "the function's process is kept warm")
        self.assertEqual(aws.delete("whole"), "DELETE_COMPLETE", aws.reasons("whole"))
        self.assertEqual(set(aws.children()), before)

    def test_code_that_is_not_there_is_refused(self) -> None:
        template = {
            "Resources": {
                "Role": parts.role(),
                "Function": parts.function(Code={"S3Bucket": "code", "S3Key": "no.zip"}),
            }
        }
        self.assertEqual(aws.deploy("no-code", template), "ROLLBACK_COMPLETE")
        self.assertIn("S3 Error Code: NoSuchKey", aws.reasons("no-code"))

    def test_role_must_trust_lambda(self) -> None:
        template = {"Resources": {"Role": parts.role("ec2.amazonaws.com"), "Function": parts.function()}}
        self.assertEqual(aws.deploy("no-trust", template), "ROLLBACK_COMPLETE")
        self.assertIn("cannot be assumed by Lambda", aws.reasons("no-trust"))

    def test_network_needs_the_right_to_make_interfaces(self) -> None:
        for missing in INTERFACES:
            rest = [action for action in INTERFACES if action != missing]
            name = f"no-{missing.removeprefix('ec2:')}"
            with self.subTest(missing):
                status = aws.deploy(name, in_network(Role=parts.role(actions=["logs:*", *rest])))
                self.assertEqual(status, "ROLLBACK_COMPLETE")
                self.assertIn(
                    f"execution role does not have permissions to call {missing.removeprefix('ec2:')} on EC2",
                    aws.reasons(name),
                )

    def test_function_in_a_network_with_a_way_out_answers(self) -> None:
        self.assertEqual(aws.deploy("out", in_network()), "CREATE_COMPLETE", aws.reasons("out"))
        # Its rule names the function's group as nothing else does: the order of the delete is right by references.
        self.assertEqual(aws.delete("out"), "DELETE_COMPLETE", aws.reasons("out"))

    def test_function_behind_endpoints_answers(self) -> None:
        for number, (services, wanted) in enumerate(
            ((("eks", "sts"), "CREATE_COMPLETE"), (("eks",), "ROLLBACK_COMPLETE"))
        ):
            with self.subTest(services):
                template = in_network(Thing={"DependsOn": ["PrivateAssociation0", "PrivateAssociation1", "Endpoint"]})
                del template["Resources"]["PrivateRoute"]
                for service in services:
                    template["Resources"][service] = interface_endpoint(service)
                    template["Resources"]["Thing"]["DependsOn"].append(service)
                name = f"behind{number}"
                self.assertEqual(aws.deploy(name, template), wanted, aws.reasons(name))

    def test_function_without_a_way_out_is_said_to_hang(self) -> None:
        closed = {
            "GroupDescription": "x",
            "VpcId": ref("Vpc"),
            "SecurityGroupEgress": [{**HTTPS_OUT[0], "CidrIp": "10.0.0.0/8"}],
        }
        cases = {
            "a route that comes later": (
                in_network(Thing={"DependsOn": []}, PrivateRoute={"DependsOn": "Thing"}),
                "has no route to 0.0.0.0/0",
            ),
            "a security group that lets nothing out": (
                in_network(Group={"Properties": closed}),
                "no egress rule of its security groups",
            ),
        }
        for number, (name, (template, wanted)) in enumerate(cases.items()):
            with self.subTest(name):
                self.assertEqual(aws.deploy(f"hangs{number}", template), "ROLLBACK_COMPLETE")
                self.assertIn(wanted, aws.reasons(f"hangs{number}"))

    def test_logs_go_only_where_the_role_may_write(self) -> None:
        cases = {
            "may do all": (["logs:*"], True),
            "may write but not make a group": (["logs:CreateLogStream", "logs:PutLogEvents"], False),
            "may not write": ([], False),
        }
        for number, (name, (actions, written)) in enumerate(cases.items()):
            with self.subTest(name):
                template = {
                    "Resources": {
                        "Role": parts.role(actions=actions),
                        "Function": parts.function(FunctionName=f"logger{number}"),
                        "Thing": parts.custom(),
                    }
                }
                self.assertEqual(aws.deploy(f"logs{number}", template), "CREATE_COMPLETE", aws.reasons(f"logs{number}"))
                groups = [g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]]
                self.assertEqual(f"/aws/lambda/logger{number}" in groups, written)
