"""The rules themselves: no action that hands over a role, and no key of our policies, goes unjudged."""

import json
import sys
import unittest
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from ministack.core import iam_actions

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plugin import authorization
from plugin.authorization import parameters, passing, reference, rules
from plugin.authorization.call import Call

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = (ROOT / "quickstart.yaml", ROOT / "templates" / "network.yaml")
ACCOUNT, REGION = "111122223333", "eu-west-1"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"

# Actions of the templates' policies that the embedded AWS does not serve, and the keys that only they have.
NOT_SERVED = {("arc-zonal-shift:GetManagedResource", "arc-zonal-shift:ResourceIdentifier")}

# The role is an option's value, by the option's name.
OPTION_GROUP = "rds:ModifyOptionGroup"


class Account(authorization.State):
    """An account that holds just what a test gives it."""

    def __init__(self, templates: Mapping[str, dict] | None = None, **records: dict[str, dict]) -> None:
        self.templates = templates or {}
        self.records = records

    def ec2(self, resource_type: str, identity: str) -> Mapping[str, Any]:
        return self.records.get(resource_type.replace("-", "_"), {}).get(identity, {})

    def ec2_all(self, resource_type: str) -> list[Mapping[str, Any]]:
        return list(self.records.get(resource_type.replace("-", "_"), {}).values())

    def ec2_tags(self, resource_type: str, identity: str) -> list[Mapping[str, str]]:
        return []

    def launch_template(self, specification: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.templates.get(specification.get("LaunchTemplateName", ""), {})

    def iam(self, kind: str, name: str) -> Mapping[str, Any]:
        return self.records.get(kind.replace("-", "_"), {}).get(name, {})


def call(service: str, operation: str, **parameters: Any) -> Call:
    return Call(service, operation, parameters, ACCOUNT, REGION)


def statements(value: Any) -> Iterator[dict]:
    """The statements of all policies in a template, those within JSON texts too."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for member in value.values():
            yield from statements(member)
    elif isinstance(value, list):
        for member in value:
            yield from statements(member)
    elif isinstance(value, str) and '"Statement"' in value:
        yield from statements(json.loads(value))


def planted(shape: Any, name: str, role: str, depth: int = 0) -> Any:
    """Parameters of a call with the role wherever a member's name speaks of one."""
    if shape.type_name == "structure" and depth < 6:
        members = {key: planted(member, key, role, depth + 1) for key, member in shape.members.items()}
        return {key: value for key, value in members.items() if value}
    if shape.type_name == "list":
        one = planted(shape.member, name, role, depth + 1)
        return [one] if one else None
    if shape.type_name == "map":
        return {"LambdaSuccessFeedbackRoleArn": role, "SuccessFeedbackRoleArn": role}
    if shape.type_name == "string" and (
        "role" in name.lower() or name in ("DeliverLogsPermissionArn", "AttributeValue")
    ):
        return role
    return None


def listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


class Reference(unittest.TestCase):
    def test_no_call_hands_over_a_role_unjudged(self) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/path/r"
        asked = 0
        for service, prefix in sorted(iam_actions.SERVICE_TO_IAM_NAMESPACE.items()):
            model = parameters.model(service)
            for name in reference.actions(prefix) if model else []:
                operation = name.partition(":")[2]
                hands_over = passing.ACTION in reference.action(name).dependent_actions or name in passing.RULES
                elsewhere = name in passing.NO_ROLE_IN_PARAMETERS or name == OPTION_GROUP
                if not hands_over or elsewhere or operation not in model.operation_names:
                    continue
                rules_of = passing.RULES.get(name, ())
                if any(rule.profile or (rule.named and len(rules_of) == 1) for rule in rules_of):
                    continue  # names, which Fleets and the real calls look at
                given = planted(model.operation_model(operation).input_shape, "", role)
                asked += 1
                with self.subTest(name):
                    found = passing.roles(call(prefix, operation, **given), Account())
                    self.assertTrue(any(one.resource.endswith(role) for one in found), given)
        self.assertGreater(asked, 60)

    def test_rules_are_for_actions_that_there_are(self) -> None:
        for name in passing.RULES:
            with self.subTest(name):
                self.assertIsNotNone(reference.action(name))

    def test_every_role_that_a_rule_finds_is_passed(self) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/path/r"
        calls = {
            "CreateCluster": call("eks", "CreateCluster", name="c", roleArn=role),
            "CreateAddon": call("eks", "CreateAddon", podIdentityAssociations=[{"roleArn": role}]),
            "CreateStack": call("cloudformation", "CreateStack", StackName="s", RoleARN=role),
            "CreateSchedule": call("scheduler", "CreateSchedule", Target={"RoleArn": role}),
            "RegisterTaskDefinition": call("ecs", "RegisterTaskDefinition", taskRoleArn=role, executionRoleArn=role),
            "CreateDBInstance": call("rds", "CreateDBInstance", MonitoringRoleArn=role),
            "ModifyOptionGroup": call(
                "rds",
                "ModifyOptionGroup",
                OptionsToInclude=[{"OptionSettings": [{"Name": "IAM_ROLE_ARN", "Value": role}, {"Name": "x"}]}],
            ),
            "CreateTopic": call(
                "sns", "CreateTopic", Attributes={"LambdaFailureFeedbackRoleArn": role, "Policy": "{}"}
            ),
        }
        for name, one in calls.items():
            with self.subTest(name):
                self.assertEqual([found.resource for found in passing.roles(one, Account())], [role])

    def test_the_templates_use_no_key_that_is_not_judged(self) -> None:
        unknown = set()
        seen = 0
        for template in TEMPLATES:
            for statement in statements(yaml.safe_load(template.read_text(encoding="utf-8"))["Resources"]):
                if "Principal" in statement:  # trust and resource policies: roles, sessions, MiniStack's evaluator
                    continue
                for condition in (statement.get("Condition") or {}).values():
                    for key in condition:
                        for action in listed(statement["Action"]):
                            seen += 1
                            if not rules.is_known(action, key):
                                unknown.add((action, key))
        self.assertGreater(seen, 20)
        self.assertEqual(unknown, NOT_SERVED)

    def test_known_keys_are_of_the_action(self) -> None:
        self.assertTrue(rules.is_known("ec2:RunInstances", "ec2:InstanceType"))
        self.assertTrue(rules.is_known("ec2:RunInstances", "aws:RequestTag/any"))
        self.assertFalse(rules.is_known("ec2:DescribeInstances", "ec2:InstanceType"))
        self.assertFalse(rules.is_known("ec2:DescribeInstances", "aws:ResourceTag/any"))
        self.assertFalse(rules.is_known("ec2:RunInstances", "ec2:ProductCode"))
        self.assertIn("aws:requestedregion", authorization.known_keys("ec2:DescribeInstances"))


class Fleets(unittest.TestCase):
    TEMPLATE: ClassVar[dict] = {
        "LaunchTemplateId": "lt-1",
        "DefaultVersionNumber": 1,
        "LatestVersionNumber": 2,
        "Versions": [
            {"VersionNumber": 1, "LaunchTemplateData": {"ImageId": "ami-1", "IamInstanceProfile": {"Name": "old"}}},
            {
                "VersionNumber": 2,
                "LaunchTemplateData": {
                    "ImageId": "ami-2",
                    "SecurityGroupIds": ["sg-1"],
                    "IamInstanceProfile": {"Name": "nodes"},
                    "TagSpecifications": [
                        {"ResourceType": "network-interface", "Tags": [{"Key": "from", "Value": "template"}]}
                    ],
                },
            },
        ],
    }

    def setUp(self) -> None:
        self.account = Account(
            {"workers": self.TEMPLATE},
            instance_profile={"nodes": {"Roles": ["n"]}, "old": {"Roles": ["o"]}},
            role={"n": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/n"}, "o": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/o"}},
            subnet={"subnet-1": {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a"}},
        )
        template = {"LaunchTemplateName": "workers", "Version": "$Latest"}
        overrides = [
            {"InstanceType": "m7g.large", "SubnetId": "subnet-1"},
            {"InstanceType": "m7g.xlarge", "SubnetId": "subnet-2"},
        ]
        self.fleet = call(
            "ec2",
            "CreateFleet",
            Type="instant",
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": template, "Overrides": overrides}],
            TagSpecifications=[
                {"ResourceType": "fleet", "Tags": [{"Key": "of", "Value": "fleet"}]},
                {"ResourceType": "instance", "Tags": [{"Key": "of", "Value": "instance"}]},
            ],
        )

    def test_a_fleet_is_not_judged_on_what_its_template_holds(self) -> None:
        found = authorization.of_call(self.fleet, self.account)
        self.assertEqual(
            {(one.action, one.resource) for one in found},
            {
                ("ec2:CreateFleet", f"{EC2}:fleet/*"),
                ("ec2:CreateFleet", f"{EC2}:instance/*"),
                ("ec2:CreateFleet", f"{EC2}:launch-template/lt-1"),
                ("ec2:CreateFleet", f"{EC2}:subnet/subnet-1"),
                ("ec2:CreateFleet", f"{EC2}:subnet/subnet-2"),
                ("ec2:CreateTags", f"{EC2}:fleet/*"),
                ("ec2:CreateTags", f"{EC2}:instance/*"),
            },
        )

    def test_each_launch_of_it_is(self) -> None:
        launches = authorization.launches_of(self.fleet, self.account)
        self.assertEqual(len(launches), 2)
        first = {(one.action, one.resource): one.keys for one in launches[0]}
        run, image = "ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-2"
        self.assertEqual(
            set(first),
            {
                (run, image),
                (run, f"{EC2}:instance/*"),
                (run, f"{EC2}:network-interface/*"),
                (run, f"{EC2}:volume/*"),
                (run, f"{EC2}:subnet/subnet-1"),
                (run, f"{EC2}:security-group/sg-1"),
                (run, f"{EC2}:launch-template/lt-1"),
                ("ec2:CreateTags", f"{EC2}:instance/*"),
                ("ec2:CreateTags", f"{EC2}:network-interface/*"),
                ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/n"),
            },
        )
        instance, interface = first[run, f"{EC2}:instance/*"], first[run, f"{EC2}:network-interface/*"]
        self.assertEqual(instance["aws:RequestTag/of"], "instance")
        self.assertEqual(interface["aws:RequestTag/from"], "template")
        self.assertNotIn("aws:RequestTag/of", interface)
        self.assertEqual(instance["ec2:InstanceType"], "m7g.large")
        self.assertEqual(instance["ec2:AvailabilityZone"], "eu-west-1a")
        self.assertEqual(first[run, image]["ec2:IsLaunchTemplateResource"], "true")
        self.assertEqual(first[run, f"{EC2}:subnet/subnet-1"]["ec2:IsLaunchTemplateResource"], "false")
        self.assertEqual(first[run, f"{EC2}:subnet/subnet-1"]["ec2:Vpc"], f"{EC2}:vpc/vpc-1")
        tagging = first["ec2:CreateTags", f"{EC2}:instance/*"]
        self.assertEqual(tagging["ec2:CreateAction"], "RunInstances")
        role = first["iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/n"]
        self.assertEqual(role["iam:PassedToService"], "ec2.amazonaws.com")

    def test_an_image_by_a_parameter_is_read_in_the_callers_name(self) -> None:
        run = call("ec2", "RunInstances", ImageId="resolve:ssm:/aws/service/x/image_id:3", SubnetId="subnet-1")
        found = {(one.action, one.resource) for one in authorization.of_call(run, self.account)}
        self.assertIn(("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/*"), found)
        self.assertIn(("ssm:GetParameters", f"arn:aws:ssm:{REGION}::parameter/aws/service/x/image_id"), found)


if __name__ == "__main__":
    unittest.main()
