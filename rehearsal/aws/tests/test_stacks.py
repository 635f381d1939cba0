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
        rolling = [why for who, status, why in aws.events("clash") if status == "ROLLBACK_IN_PROGRESS"]
        self.assertEqual(rolling, ["The following resource(s) failed to create: [Group]. Rollback requested by user."])
        with self.assertRaisesRegex(ClientError, r"Stack \[clash\] already exists"):
            aws.client("cloudformation").create_stack(StackName="clash", TemplateBody="{}")
        self.assertEqual(aws.delete("clash"), "DELETE_COMPLETE")
        names = [g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]]
        self.assertIn("/mine", names, "and the rollback leaves it alone")


class Updates(unittest.TestCase):
    """An update touches what changes, replaces what the schemas say, and cleans up last."""

    def told(self, name: str, count: int) -> list[tuple[str, str, str]]:
        """The events after the first so many."""
        return aws.events(name)[count:]

    def test_what_a_resource_needs_stays_when_its_delete_fails(self) -> None:
        template = {
            "Resources": {
                "Needed": group("/needed"),
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}, "DependsOn": "Needed"},
                "Free": group("/free"),
            }
        }
        self.assertEqual(aws.deploy("stays", template), "CREATE_COMPLETE", aws.reasons("stays"))
        aws.client("s3").put_object(Bucket="full", Key="x", Body=b"x")
        self.assertEqual(aws.delete("stays"), "DELETE_FAILED")
        found = aws.client("cloudformation").describe_stack_resources(StackName="stays")["StackResources"]
        self.assertEqual({r["LogicalResourceId"] for r in found}, {"Needed", "Bucket"})
        groups = aws.client("logs").describe_log_groups()["logGroups"]
        self.assertEqual({g["logGroupName"] for g in groups} & {"/needed", "/free"}, {"/needed"})
        aws.client("s3").delete_object(Bucket="full", Key="x")
        self.assertEqual(aws.delete("stays"), "DELETE_COMPLETE", aws.reasons("stays"))

    def test_events_are_of_what_changes(self) -> None:
        template = {
            "Resources": {
                "Changed": {
                    "Type": "AWS::Logs::LogGroup",
                    "Properties": {"LogGroupName": "/up/a", "RetentionInDays": 7},
                },
                "Left": group("/up/left"),
                "Renamed": group("/up/old"),
                "Same": group("/up/same"),
            }
        }
        self.assertEqual(aws.deploy("update", template), "CREATE_COMPLETE", aws.reasons("update"))
        count = len(aws.events("update"))
        del template["Resources"]["Left"]
        template["Resources"]["Changed"]["Properties"]["RetentionInDays"] = 14
        template["Resources"]["Renamed"] = group("/up/new")
        template["Resources"]["Added"] = group("/up/added")
        self.assertEqual(aws.deploy("update", template), "UPDATE_COMPLETE", aws.reasons("update"))
        replacing = "Requested update requires the creation of a new physical resource; hence creating one."
        self.assertEqual(
            self.told("update", count),
            [
                ("update", "UPDATE_IN_PROGRESS", "User Initiated"),
                ("Added", "CREATE_IN_PROGRESS", ""),
                ("Added", "CREATE_COMPLETE", ""),
                ("Changed", "UPDATE_IN_PROGRESS", ""),
                ("Changed", "UPDATE_COMPLETE", ""),
                ("Renamed", "UPDATE_IN_PROGRESS", replacing),
                ("Renamed", "UPDATE_COMPLETE", ""),
                ("update", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
                ("Renamed", "DELETE_IN_PROGRESS", ""),
                ("Renamed", "DELETE_COMPLETE", ""),
                ("Left", "DELETE_IN_PROGRESS", ""),
                ("Left", "DELETE_COMPLETE", ""),
                ("update", "UPDATE_COMPLETE", ""),
            ],
        )
        found = aws.client("cloudformation").describe_stack_resources(StackName="update")["StackResources"]
        self.assertEqual(
            {r["LogicalResourceId"]: r["ResourceStatus"] for r in found},
            {
                "Added": "CREATE_COMPLETE",
                "Changed": "UPDATE_COMPLETE",
                "Renamed": "UPDATE_COMPLETE",
                "Same": "CREATE_COMPLETE",
            },
        )
        with self.assertRaisesRegex(ClientError, "No updates are to be performed."):
            aws.deploy("update", template)
        count = len(aws.events("update"))
        template["Resources"]["Clash"] = {**group("/up/same"), "DependsOn": ["Renamed"]}
        template["Resources"]["Renamed"] = group("/up/newer")
        self.assertEqual(aws.deploy("update", template), "UPDATE_ROLLBACK_COMPLETE")
        self.assertIn("CREATE_FAILED", [status for who, status, _ in self.told("update", count) if who == "Clash"])
        names = [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups(logGroupNamePrefix="/up")["logGroups"]
        ]
        self.assertEqual(names, ["/up/a", "/up/added", "/up/new", "/up/same"])
        self.assertEqual(aws.delete("update"), "DELETE_COMPLETE")

    def test_delete_that_comes_again_deletes_once(self) -> None:
        tables = {f"Table{n}": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}} for n in range(9)}
        template = {
            "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}, **tables}
        }
        self.assertEqual(aws.deploy("twice", template), "CREATE_COMPLETE", aws.reasons("twice"))
        cloudformation = aws.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName="twice")["Stacks"][0]["StackId"]
        for _ in range(3):
            cloudformation.delete_stack(StackName=stack)
        self.assertEqual(aws.delete("twice"), "DELETE_COMPLETE", aws.reasons("twice"))
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        begun = [e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "DELETE_IN_PROGRESS"]
        self.assertEqual(sorted(begun), sorted(set(begun)))

    def test_fixed_name_stands_in_the_way_of_a_replacement(self) -> None:
        def template(**changes: str) -> dict:
            described = {"GroupDescription": changes.get("description", "x"), "GroupName": "fixed", "VpcId": ref("Vpc")}
            return {
                "Resources": {
                    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}},
                    "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": described},
                    "Role": parts.role(RoleName="fixed", Path=changes.get("path", "/a/")),
                }
            }

        self.assertEqual(aws.deploy("fixed", template()), "CREATE_COMPLETE", aws.reasons("fixed"))
        for changes in ({"description": "y"}, {"path": "/b/"}):
            with self.subTest(str(changes)):
                self.assertEqual(aws.deploy("fixed", template(**changes)), "UPDATE_ROLLBACK_COMPLETE")
                self.assertRegex(
                    aws.reasons("fixed"),
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    "Rename [a-z0-9-]+ and update the stack again.",
                )
        self.assertEqual(aws.delete("fixed"), "DELETE_COMPLETE")

    def test_retained_predecessor_stays(self) -> None:
        kept = {**group("/kept/old"), "UpdateReplacePolicy": "Retain"}
        self.assertEqual(aws.deploy("kept", {"Resources": {"Group": kept}}), "CREATE_COMPLETE", aws.reasons("kept"))
        renamed = {**group("/kept/new"), "UpdateReplacePolicy": "Retain"}
        self.assertEqual(aws.deploy("kept", {"Resources": {"Group": renamed}}), "UPDATE_COMPLETE", aws.reasons("kept"))
        self.assertIn(("Group", "DELETE_SKIPPED", ""), aws.events("kept"))
        self.assertEqual(aws.delete("kept"), "DELETE_COMPLETE")
        names = [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]
        ]
        self.assertEqual(names, ["/kept/old"])

    def test_change_set_tells_what_takes_a_new_resource(self) -> None:
        before = {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.78.0.0/16"}},
            "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}},
            "Role": parts.role(MaxSessionDuration=3600, Path="/a/"),
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.78.1.0/24"}},
        }
        after = json.loads(json.dumps(before))
        after["Vpc"]["Properties"]["EnableDnsHostnames"] = True
        after["Role"]["Properties"] |= {"MaxSessionDuration": 7200, "Path": "/b/"}
        after["Subnet"]["Properties"] |= {"CidrBlock": "10.78.2.0/24", "MapPublicIpOnLaunch": True}
        self.assertEqual(aws.deploy("sets", {"Resources": before}), "CREATE_COMPLETE", aws.reasons("sets"))
        cloudformation = aws.client("cloudformation")
        cloudformation.create_change_set(
            StackName="sets",
            ChangeSetName="next",
            TemplateBody=json.dumps({"Resources": after}),
            Capabilities=["CAPABILITY_IAM"],
        )
        found = cloudformation.describe_change_set(StackName="sets", ChangeSetName="next")["Changes"]
        told = {
            (change["ResourceChange"]["LogicalResourceId"], detail["Target"]["Name"]): detail["Target"][
                "RequiresRecreation"
            ]
            for change in found
            for detail in change["ResourceChange"]["Details"]
        }
        expected = {
            ("Role", "MaxSessionDuration"): "Never",
            ("Role", "Path"): "Always",
            ("Subnet", "CidrBlock"): "Always",
            ("Subnet", "MapPublicIpOnLaunch"): "Never",
            ("Vpc", "EnableDnsHostnames"): "Never",
        }
        self.assertEqual({key: told.get(key) for key in expected}, expected)
        subnet = aws.client("ec2").describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.78.1.0/24"]}])
        cloudformation.execute_change_set(StackName="sets", ChangeSetName="next")
        self.assertEqual(aws.wait("sets"), "UPDATE_COMPLETE", aws.reasons("sets"))
        blocks = [s["CidrBlock"] for s in aws.client("ec2").describe_subnets()["Subnets"]]
        self.assertIn("10.78.2.0/24", blocks)
        self.assertNotIn(subnet["Subnets"][0]["CidrBlock"], blocks)
        self.assertEqual(aws.delete("sets"), "DELETE_COMPLETE")


class Regions(unittest.TestCase):
    def test_zones_are_those_of_the_region(self) -> None:
        template = {
            "Resources": {"Group": group("/zones")},
            "Outputs": parts.outputs(
                Zones={"Fn::Join": [",", {"Fn::GetAZs": ref("AWS::Region")}]},
                Arn={"Fn::Sub": ["arn:${AWS::Partition}:${What}.${AWS::URLSuffix}", {"What": "x"}]},
            ),
        }
        self.assertEqual(aws.deploy("zones", template), "CREATE_COMPLETE", aws.reasons("zones"))
        made = aws.outputs("zones")
        zones = aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
        plain = sorted(zone["ZoneName"] for zone in zones if zone["ZoneType"] == "availability-zone")
        self.assertEqual(made["Zones"].split(","), plain)
        self.assertEqual(made["Arn"], "arn:aws:x.amazonaws.com")
        self.assertEqual(aws.delete("zones"), "DELETE_COMPLETE")


class Refused(unittest.TestCase):
    """What the engine would only ignore."""

    def test_templates(self) -> None:
        plain = {"Group": group("/refused")}
        cases = {
            "No transform named Mine found": {"Transform": "Mine", "Resources": plain},
            "No transform named Theirs found": {
                "Resources": {"Group": {**group("/r"), "Properties": {"Fn::Transform": {"Name": "Theirs"}}}}
            },
            "Unrecognized DeletionPolicy Retian for resource Group": {
                "Resources": {"Group": {**group("/r"), "DeletionPolicy": "Retian"}}
            },
            "Unrecognized UpdateReplacePolicy RetainExceptOnCreate": {
                "Resources": {"Group": {**group("/r"), "UpdateReplacePolicy": "RetainExceptOnCreate"}}
            },
            "AWS::Logs::LogGroup does not support deletion policy Snapshot": {
                "Resources": {"Group": {**group("/r"), "DeletionPolicy": "Snapshot"}}
            },
        }
        for told, template in cases.items():
            with self.subTest(told), self.assertRaisesRegex(ClientError, told):
                aws.deploy("refused", template, Capabilities=["CAPABILITY_AUTO_EXPAND"])

    def test_stack_policies_and_drift(self) -> None:
        policy = json.dumps({"Statement": []})
        with self.assertRaisesRegex(ClientError, "does not play stack policies"):
            aws.deploy("policy", {"Resources": {"Group": group("/policy")}}, StackPolicyBody=policy)
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.79.0.0/16"}}
        self.assertEqual(aws.deploy("drift", {"Resources": {"Vpc": vpc}}), "CREATE_COMPLETE", aws.reasons("drift"))
        with self.assertRaisesRegex(ClientError, "does not detect drift of AWS::EC2::VPC"):
            aws.client("cloudformation").detect_stack_drift(StackName="drift")
        self.assertEqual(aws.delete("drift"), "DELETE_COMPLETE")
