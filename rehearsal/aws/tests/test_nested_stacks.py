"""Nested stacks: made, changed, failed, deleted like whole ones."""

import json
import unittest

import parts
from embedded import REGION, EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    aws.client("s3").create_bucket(Bucket="templates")


def tearDownModule() -> None:
    aws.stop()


def publish(key: str, template: dict) -> str:
    aws.client("s3").put_object(Bucket="templates", Key=key, Body=json.dumps(template).encode())
    return f"https://s3.{REGION}.amazonaws.com/templates/{key}"


def parent(url: str, **parameters: str) -> dict:
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": parameters}}
    return {"Resources": {"Child": child}, "Outputs": parts.outputs(Child=ref("Child"))}


def network(**more: dict) -> dict:
    return {
        "Parameters": {"Third": {"Type": "String", "Default": "0"}, "Zones": {"Type": "String", "Default": "a,b"}},
        "Conditions": {
            "HasThird": {
                "Fn::Not": [{"Fn::Equals": [{"Fn::Select": [2, {"Fn::Split": [",", {"Fn::Sub": "${Zones},,,"}]}]}, ""]}]
            }
        },
        "Resources": {
            **parts.network(),
            "Extra": {
                "Type": "AWS::EC2::Subnet",
                "Condition": "HasThird",
                "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.20.250.0/24"},
            },
            **more,
        },
        "Outputs": parts.outputs(Vpc=ref("Vpc"), Nat=att("Nat", "NatGatewayId"), Ip=ref("Address")),
    }


class NestedStacks(unittest.TestCase):
    def test_made_changed_and_deleted(self) -> None:
        template = parent(publish("network.json", network()))
        template["Outputs"] |= parts.outputs(Nat=att("Child", "Outputs.Nat"))
        self.assertEqual(aws.deploy("outer", template), "CREATE_COMPLETE", aws.reasons("outer"))
        made = aws.outputs("outer")
        self.assertTrue(made["Nat"].startswith("nat-"))
        self.assertTrue(made["Child"].startswith("arn:aws:cloudformation:"))

        template["Resources"]["Child"]["Properties"]["Parameters"] = {"Zones": "a,b,c"}
        self.assertEqual(aws.deploy("outer", template), "UPDATE_COMPLETE", aws.reasons("outer"))
        self.assertEqual(aws.outputs("outer")["Nat"], made["Nat"], "attributes of what did not change stay")
        blocks = [s["CidrBlock"] for s in aws.client("ec2").describe_subnets()["Subnets"]]
        self.assertIn("10.20.250.0/24", blocks)

        self.assertEqual(aws.delete("outer"), "DELETE_COMPLETE")
        self.assertEqual(aws.status(made["Child"]), "DELETE_COMPLETE")
        blocks = [s["CidrBlock"] for s in aws.client("ec2").describe_subnets()["Subnets"]]
        self.assertNotIn("10.20.250.0/24", blocks)

    def test_failed_child_leaves_nothing_and_says_why(self) -> None:
        bad = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.20.0.0/24"}}
        url = publish("bad.json", network(Zz={**bad, "DependsOn": "PrivateRoute"}))
        self.assertEqual(aws.deploy("outer-bad", parent(url)), "ROLLBACK_COMPLETE", aws.reasons("outer-bad"))
        self.assertIn("failed to create: [Zz]. (Zz: The CIDR '10.20.0.0/24' conflicts", aws.reasons("outer-bad"))
        statuses = [status for who, status, _ in aws.events("outer-bad") if who == "Child"]
        self.assertEqual(
            statuses[-2:], ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"], "the parent deletes its failed child"
        )
        self.assertEqual(aws.client("ec2").describe_addresses()["Addresses"], [])
        vpcs = [v["CidrBlock"] for v in aws.client("ec2").describe_vpcs()["Vpcs"]]
        self.assertNotIn("10.20.0.0/16", vpcs)

    def test_failed_update_of_a_child_is_rolled_back(self) -> None:
        template = parent(publish("good.json", network()))
        self.assertEqual(aws.deploy("outer-back", template), "CREATE_COMPLETE", aws.reasons("outer-back"))
        bad = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.99.0.0/24"}}
        new = {"Type": "AWS::EC2::InternetGateway", "Properties": {"Tags": [{"Key": "only", "Value": "here"}]}}
        template["Resources"]["Child"]["Properties"]["TemplateURL"] = publish(
            "worse.json", network(New=new, Zz={**bad, "DependsOn": "New"})
        )
        self.assertEqual(aws.deploy("outer-back", template), "UPDATE_ROLLBACK_COMPLETE")
        child = aws.outputs("outer-back")["Child"]
        self.assertEqual(aws.status(child), "UPDATE_ROLLBACK_COMPLETE")
        left = aws.client("ec2").describe_internet_gateways(Filters=[{"Name": "tag:only", "Values": ["here"]}])
        self.assertEqual(left["InternetGateways"], [])
        self.assertEqual(aws.delete("outer-back"), "DELETE_COMPLETE", aws.reasons("outer-back"))

    def test_child_that_was_updated_goes_back_with_its_parent(self) -> None:
        table = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}}
        first = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/back/first", "RetentionInDays": 7}}
        child = network(Gone=table, Group=first)
        child["Outputs"] |= parts.outputs(Subnet=ref("Private0"))
        template = parent(publish("whole.json", child))
        template["Outputs"] |= parts.outputs(Subnet=att("Child", "Outputs.Subnet"))
        self.assertEqual(aws.deploy("outer-undone", template), "CREATE_COMPLETE", aws.reasons("outer-undone"))
        before, stack = aws.outputs("outer-undone"), aws.outputs("outer-undone")["Child"]
        tables = aws.client("ec2").describe_route_tables()["RouteTables"]

        second = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/back/second", "RetentionInDays": 30}}
        changed = network(Group=second)
        changed["Outputs"] |= child["Outputs"]
        changed["Resources"]["Private0"]["Properties"]["CidrBlock"] = "10.20.222.0/24"
        wrong = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": att("Child", "Outputs.Vpc"), "CidrBlock": "10.99.0.0/24"},
        }
        template["Resources"]["Child"]["Properties"]["TemplateURL"] = publish("undone.json", changed)
        template["Resources"]["Wrong"] = wrong
        self.assertEqual(aws.deploy("outer-undone", template), "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(aws.status(stack), "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(aws.outputs("outer-undone"), before, "what was to be replaced was still there")
        self.assertEqual(aws.client("ec2").describe_route_tables()["RouteTables"], tables)
        names = [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups(logGroupNamePrefix="/back")["logGroups"]
        ]
        self.assertEqual(names, ["/back/first"])
        blocks = [s["CidrBlock"] for s in aws.client("ec2").describe_subnets()["Subnets"]]
        self.assertNotIn("10.20.222.0/24", blocks)

        del template["Resources"]["Wrong"]
        self.assertEqual(aws.deploy("outer-undone", template), "UPDATE_COMPLETE", aws.reasons("outer-undone"))
        self.assertEqual(aws.status(stack), "UPDATE_COMPLETE")
        self.assertNotEqual(aws.outputs("outer-undone")["Subnet"], before["Subnet"])
        told = [(who, status) for who, status, _ in aws.events(stack)]
        cleaning = len(told) - told[::-1].index((stack.split("/")[1], "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
        self.assertIn(("Gone", "DELETE_COMPLETE"), told[cleaning:])
        self.assertEqual(told[-1][1], "UPDATE_COMPLETE")
        names = [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups(logGroupNamePrefix="/back")["logGroups"]
        ]
        self.assertEqual(names, ["/back/second"])
        self.assertEqual(aws.delete("outer-undone"), "DELETE_COMPLETE", aws.reasons("outer-undone"))

    def test_template_that_changed_at_its_url_is_taken_up(self) -> None:
        child = network()
        template = parent(publish("same.json", child))
        self.assertEqual(aws.deploy("outer-same", template), "CREATE_COMPLETE", aws.reasons("outer-same"))
        stack = aws.outputs("outer-same")["Child"]
        publish("same.json", network(More={"Type": "AWS::EC2::InternetGateway"}))
        template["Outputs"] |= parts.outputs(Again=ref("Child"))
        self.assertEqual(aws.deploy("outer-same", template), "UPDATE_COMPLETE", aws.reasons("outer-same"))
        self.assertIn(("More", "CREATE_COMPLETE", ""), aws.events(stack))
        self.assertEqual(aws.delete("outer-same"), "DELETE_COMPLETE", aws.reasons("outer-same"))

    def test_failed_delete_in_a_child_fails_the_parent(self) -> None:
        template = parent(publish("kept.json", network()))
        self.assertEqual(aws.deploy("outer-stuck", template), "CREATE_COMPLETE", aws.reasons("outer-stuck"))
        child = aws.outputs("outer-stuck")["Child"]
        vpc = aws.outputs(child)["Vpc"]
        subnet = aws.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.20.251.0/24")["Subnet"]["SubnetId"]
        self.assertEqual(aws.delete("outer-stuck"), "DELETE_FAILED")
        self.assertIn(
            "was not successfully deleted: The following resource(s) failed to delete: [Vpc]",
            aws.reasons("outer-stuck"),
        )
        aws.client("ec2").delete_subnet(SubnetId=subnet)
        self.assertEqual(aws.delete("outer-stuck"), "DELETE_COMPLETE", aws.reasons("outer-stuck"))

    def test_retained_in_a_child_stays(self) -> None:
        bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": "kept-by-child"}}
        template = parent(publish("bucket.json", {"Resources": {"Bucket": bucket}}))
        self.assertEqual(aws.deploy("outer-kept", template), "CREATE_COMPLETE", aws.reasons("outer-kept"))
        self.assertEqual(aws.delete("outer-kept"), "DELETE_COMPLETE")
        self.assertIn("kept-by-child", [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]])

    def test_parameter_that_the_child_lacks_is_refused(self) -> None:
        url = publish("network2.json", network())
        self.assertEqual(aws.deploy("outer-unknown", parent(url, Typo="x")), "ROLLBACK_COMPLETE")
        self.assertIn("Parameters: [Typo] do not exist in the template", aws.reasons("outer-unknown"))

    def test_roles_of_a_child_need_the_parents_capability(self) -> None:
        url = publish("role.json", {"Resources": {"Role": parts.role()}})
        self.assertEqual(aws.deploy("outer-role", parent(url), Capabilities=[]), "ROLLBACK_COMPLETE")
        self.assertIn("Requires capabilities : [CAPABILITY_IAM]", aws.reasons("outer-role"))
