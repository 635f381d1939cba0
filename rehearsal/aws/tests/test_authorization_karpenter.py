"""Karpenter's own policy, as quickstart.yaml holds it, against the calls that Karpenter makes and those it must not."""

import json
import unittest
from pathlib import Path
from typing import Any

import parts
import yaml
from embedded import REGION
from rows import ACCOUNT, EC2, IAM, Row, Statement, Table, World, allow

CLUSTER = "demo"
TEMPLATE = Path(__file__).resolve().parents[3] / "quickstart.yaml"

OWNED = {
    f"kubernetes.io/cluster/{CLUSTER}": "owned",
    "eks:eks-cluster-name": CLUSTER,
    "karpenter.sh/nodepool": "default",
}
FOREIGN = {**OWNED, f"kubernetes.io/cluster/{CLUSTER}": "shared"}


def lifecycle() -> list[Statement]:
    """The statements of KarpenterNodeLifecyclePolicy for a cluster of this name."""
    resources = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    text = resources["KarpenterNodeLifecyclePolicy"]["Properties"]["PolicyDocument"]["Fn::Sub"][0]
    for variable, value in {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "ClusterName": CLUSTER,
    }.items():
        text = text.replace(f"${{{variable}}}", value)
    return json.loads(text)["Statement"]


def without(sid: str) -> list[Statement]:
    found = [one for one in POLICY if one["Sid"] != sid]
    assert len(found) == len(POLICY) - 1, sid
    return found


def tagged(kinds: list[str], tags: dict[str, str]) -> list[dict]:
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} for kind in kinds
    ]


POLICY = lifecycle()
PASS = allow("iam:PassRole", f"{IAM}:role/nodes/node", StringEquals={"iam:PassedToService": ["ec2.amazonaws.com"]})
DATA = {"ImageId": "{image}", "InstanceType": "m7g.large", "IamInstanceProfile": {"Name": "node"}}
FLEET_TAGS = ["fleet", "instance", "volume"]
LAUNCH_TAGS = ["instance", "volume", "network-interface"]


def fleet(template: str = "owned", kinds: list[str] | None = None, tags: dict[str, str] | None = None) -> dict:
    specifications = tagged(FLEET_TAGS if kinds is None else kinds, tags or OWNED)
    return {
        "Type": "instant",
        "DryRun": True,
        "TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
        "LaunchTemplateConfigs": [
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": "m7g.large", "SubnetId": "{subnet}"}],
            }
        ],
        **({"TagSpecifications": specifications} if specifications else {}),
    }


def run(template: str = "owned", kinds: list[str] | None = None, tags: dict[str, str] | None = None) -> dict:
    return {
        "MinCount": 1,
        "MaxCount": 1,
        "DryRun": True,
        "LaunchTemplate": {"LaunchTemplateName": template, "Version": "$Latest"},
        "SubnetId": "{subnet}",
        "SecurityGroupIds": ["{group}"],
        "TagSpecifications": tagged(kinds or LAUNCH_TAGS, tags or OWNED),
    }


def template(tags: dict[str, str]) -> dict:
    return {
        "LaunchTemplateName": "made-by-row",
        "DryRun": True,
        "LaunchTemplateData": DATA,
        "TagSpecifications": tagged(["launch-template"], tags),
    }


def setUpModule() -> None:
    Table.world = World()
    aws, ids = Table.world.aws, Table.world.ids
    ec2, iam = aws.client("ec2"), aws.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ids["subnet"] = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone=f"{REGION}a")["Subnet"][
        "SubnetId"
    ]
    ids["group"] = ec2.create_security_group(GroupName="workers", Description="x", VpcId=vpc)["GroupId"]
    trust = json.dumps(parts.trust("ec2.amazonaws.com"))
    iam.create_role(RoleName="node", Path="/nodes/", AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
    images = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"]
    ids["image"] = images[0]["ImageId"]
    for name, tags in (("owned", OWNED), ("foreign", FOREIGN)):
        made = ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData=Table.world.filled(DATA),
            TagSpecifications=tagged(["launch-template"], tags),
        )
        ids[f"{name}_template"] = made["LaunchTemplate"]["LaunchTemplateId"]
        arguments: dict[str, Any] = {**run(name, tags=tags), "DryRun": False}
        ids[f"{name}_instance"] = ec2.run_instances(**Table.world.filled(arguments))["Instances"][0]["InstanceId"]


def tearDownModule() -> None:
    Table.world.aws.stop()


class Karpenter(Table):
    def test_launch_templates(self) -> None:
        self.judge(
            [
                Row("with the tags of the cluster", POLICY, "ec2.create_launch_template", template(OWNED)),
                Row(
                    "of another cluster",
                    POLICY,
                    "ec2.create_launch_template",
                    template(FOREIGN),
                    f"ec2:CreateLaunchTemplate {EC2}:launch-template/*",
                ),
                Row(
                    "the tags themselves",
                    without("AllowScopedResourceCreationTagging"),
                    "ec2.create_launch_template",
                    template(OWNED),
                    f"ec2:CreateTags {EC2}:launch-template/*",
                ),
                Row(
                    "deleting the own one",
                    POLICY,
                    "ec2.delete_launch_template",
                    {"LaunchTemplateId": "{owned_template}", "DryRun": True},
                ),
                Row(
                    "deleting another's",
                    POLICY,
                    "ec2.delete_launch_template",
                    {"LaunchTemplateName": "foreign", "DryRun": True},
                    f"ec2:DeleteLaunchTemplate {EC2}:launch-template/{{foreign_template}}",
                ),
            ]
        )

    def test_fleets(self) -> None:
        self.judge(
            [
                Row("as Karpenter asks", POLICY, "ec2.create_fleet", fleet()),
                Row(
                    "without tags",
                    POLICY,
                    "ec2.create_fleet",
                    fleet(kinds=[]),
                    f"ec2:CreateFleet {EC2}:fleet/*",
                ),
                Row(
                    "instances without tags",
                    POLICY,
                    "ec2.create_fleet",
                    fleet(kinds=["fleet"]),
                    f"ec2:CreateFleet {EC2}:instance/*",
                ),
                Row(
                    "with tags of another cluster",
                    POLICY,
                    "ec2.create_fleet",
                    fleet(tags=FOREIGN),
                    f"ec2:CreateFleet {EC2}:fleet/*",
                ),
                Row(
                    "from another's template",
                    POLICY,
                    "ec2.create_fleet",
                    fleet("foreign"),
                    f"ec2:CreateFleet {EC2}:launch-template/{{foreign_template}}",
                ),
                Row(
                    "from no template",
                    POLICY,
                    "ec2.create_fleet",
                    fleet("nothing"),
                    f"ec2:CreateFleet {EC2}:launch-template/*",
                ),
                Row(
                    "in a subnet",
                    without("AllowScopedEC2InstanceAccessActions"),
                    "ec2.create_fleet",
                    fleet(),
                    f"ec2:CreateFleet {EC2}:subnet/{{subnet}}",
                ),
                Row(
                    "without the right to tag",
                    without("AllowScopedResourceCreationTagging"),
                    "ec2.create_fleet",
                    fleet(),
                    f"ec2:CreateTags {EC2}:fleet/*",
                ),
            ]
        )

    def test_launches(self) -> None:
        self.judge(
            [
                Row("as Karpenter asks", [*POLICY, PASS], "ec2.run_instances", run()),
                Row(
                    "the role of the nodes",
                    POLICY,
                    "ec2.run_instances",
                    run(),
                    f"iam:PassRole {IAM}:role/nodes/node",
                ),
                Row(
                    "interfaces without tags",
                    [*POLICY, PASS],
                    "ec2.run_instances",
                    run(kinds=["instance", "volume"]),
                    f"ec2:RunInstances {EC2}:network-interface/*",
                ),
                Row(
                    "from another's template",
                    [*POLICY, PASS],
                    "ec2.run_instances",
                    run("foreign"),
                    f"ec2:RunInstances {EC2}:launch-template/{{foreign_template}}",
                ),
                Row(
                    "of another cluster",
                    [*POLICY, PASS],
                    "ec2.run_instances",
                    run(tags=FOREIGN),
                    f"ec2:RunInstances {EC2}:instance/*",
                ),
            ]
        )

    def test_instances(self) -> None:
        name = [{"Key": "Name", "Value": "default/node"}]
        self.judge(
            [
                Row(
                    "naming the own one",
                    POLICY,
                    "ec2.create_tags",
                    {"Resources": ["{owned_instance}"], "Tags": name},
                ),
                Row(
                    "naming another's",
                    POLICY,
                    "ec2.create_tags",
                    {"Resources": ["{foreign_instance}"], "Tags": name},
                    f"ec2:CreateTags {EC2}:instance/{{foreign_instance}}",
                ),
                Row(
                    "one of two is another's",
                    POLICY,
                    "ec2.create_tags",
                    {"Resources": ["{owned_instance}", "{foreign_instance}"], "Tags": name},
                    f"ec2:CreateTags {EC2}:instance/{{foreign_instance}}",
                ),
                Row(
                    "another tag than its own",
                    POLICY,
                    "ec2.create_tags",
                    {"Resources": ["{owned_instance}"], "Tags": [{"Key": "owner", "Value": "me"}]},
                    f"ec2:CreateTags {EC2}:instance/{{owned_instance}}",
                ),
                Row(
                    "ending another's",
                    POLICY,
                    "ec2.terminate_instances",
                    {"InstanceIds": ["{foreign_instance}"]},
                    f"ec2:TerminateInstances {EC2}:instance/{{foreign_instance}}",
                ),
                Row("ending the own one", POLICY, "ec2.terminate_instances", {"InstanceIds": ["{owned_instance}"]}),
            ]
        )


if __name__ == "__main__":
    unittest.main()
