"""What AWS allows and refuses of EC2, by real calls of roles that have just the statements of each row."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import REGION
from rows import EC2, IAM, Row, Table, World, allow, deny, of_type, tags


def setUpModule() -> None:
    Table.world = World()
    aws = Table.world.aws
    ec2, iam = aws.client("ec2"), aws.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[of_type("vpc", team="a")])["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(
        VpcId=vpc,
        CidrBlock="10.9.1.0/24",
        AvailabilityZone=f"{REGION}a",
        TagSpecifications=[of_type("subnet", team="a")],
    )
    group = ec2.create_security_group(
        GroupName="workers", Description="x", VpcId=vpc, TagSpecifications=[of_type("security-group", team="a")]
    )
    other = ec2.create_security_group(GroupName="others", Description="x", VpcId=vpc)
    volume = ec2.create_volume(
        AvailabilityZone=f"{REGION}a", Size=5, VolumeType="gp3", TagSpecifications=[of_type("volume", team="a")]
    )
    table = ec2.create_route_table(VpcId=vpc)
    iam.create_role(
        RoleName="node", Path="/nodes/", AssumeRolePolicyDocument=json.dumps(parts.trust("ec2.amazonaws.com"))
    )
    iam.create_instance_profile(InstanceProfileName="node", Path="/profiles/", Tags=tags(team="a"))
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
    iam.create_instance_profile(InstanceProfileName="empty", Tags=tags(team="a"))
    iam.create_role(
        RoleName="runner",
        AssumeRolePolicyDocument=json.dumps(parts.trust("lambda.amazonaws.com")),
        Tags=tags(team="a"),
    )
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="workers",
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "m7g.large",
            "IamInstanceProfile": {"Name": "node"},
            "NetworkInterfaces": [
                {"DeviceIndex": 0, "SubnetId": subnet["Subnet"]["SubnetId"], "Groups": [group["GroupId"]]}
            ],
            "TagSpecifications": [of_type("network-interface", team="a")],
        },
        TagSpecifications=[of_type("launch-template", team="a")],
    )
    Table.world.ids.update(
        vpc=vpc,
        subnet=subnet["Subnet"]["SubnetId"],
        group=group["GroupId"],
        other=other["GroupId"],
        volume=volume["VolumeId"],
        table=table["RouteTable"]["RouteTableId"],
        image=image,
        template=template["LaunchTemplate"]["LaunchTemplateId"],
    )


def tearDownModule() -> None:
    Table.world.aws.stop()


RUN = {"MinCount": 1, "MaxCount": 1}
PLAIN = {
    **RUN,
    "ImageId": "{image}",
    "InstanceType": "m7g.large",
    "SubnetId": "{subnet}",
    "SecurityGroupIds": ["{group}"],
}
LAUNCH = "ec2:RunInstances"
TYPES = ["instance", "network-interface", "security-group", "subnet", "volume"]
EVERYTHING = [f"{EC2}:{kind}/*" for kind in TYPES] + [f"arn:aws:ec2:{REGION}::image/*"]
PASS = allow("iam:PassRole", f"{IAM}:role/nodes/node")
FROM_TEMPLATE = {**RUN, "LaunchTemplate": {"LaunchTemplateName": "workers"}}


def all_but(kind: str) -> list[str]:
    return [one for one in EVERYTHING if f":{kind}/" not in one]


class Launches(Table):
    def test_each_type_of_resource_is_judged_by_itself(self) -> None:
        self.judge(
            [
                Row("everything", [allow(LAUNCH, EVERYTHING)], "ec2.run_instances", PLAIN),
                Row(
                    "each by another statement",
                    [allow(LAUNCH, one) for one in EVERYTHING],
                    "ec2.run_instances",
                    PLAIN,
                ),
                *(
                    Row(
                        f"without {kind}",
                        [allow(LAUNCH, all_but(kind))],
                        "ec2.run_instances",
                        PLAIN,
                        f"{LAUNCH} {EC2}:{kind}/{identity}",
                    )
                    for kind, identity in (
                        ("instance", "*"),
                        ("network-interface", "*"),
                        ("volume", "*"),
                        ("subnet", "{subnet}"),
                        ("security-group", "{group}"),
                    )
                ),
                Row(
                    "an image's ARN has no account",
                    [allow(LAUNCH, [*all_but("image"), f"{EC2}:image/*"])],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} arn:aws:ec2:{REGION}::image/{{image}}",
                ),
                Row(
                    "an explicit deny of one group",
                    [allow(LAUNCH), deny(LAUNCH, f"{EC2}:security-group/{{group}}")],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} {EC2}:security-group/{{group}}",
                ),
            ]
        )

    def test_conditions_see_the_keys_of_their_resource(self) -> None:
        rest = allow(LAUNCH, all_but("instance"))
        team = {"aws:ResourceTag/team": "a"}
        self.judge(
            [
                Row(
                    "the type of the instance",
                    [rest, allow(LAUNCH, f"{EC2}:instance/*", StringEquals={"ec2:InstanceType": "m7g.large"})],
                    "ec2.run_instances",
                    PLAIN,
                ),
                Row(
                    "another type",
                    [rest, allow(LAUNCH, f"{EC2}:instance/*", StringEquals={"ec2:InstanceType": "m7g.xlarge"})],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} {EC2}:instance/*",
                ),
                Row(
                    "a key that the call does not have",
                    [rest, allow(LAUNCH, f"{EC2}:instance/*", StringEquals={"ec2:MetadataHttpTokens": "required"})],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} {EC2}:instance/*",
                ),
                Row(
                    "the same with IfExists",
                    [
                        rest,
                        allow(LAUNCH, f"{EC2}:instance/*", StringEqualsIfExists={"ec2:MetadataHttpTokens": "required"}),
                    ],
                    "ec2.run_instances",
                    PLAIN,
                ),
                Row(
                    "metadata as asked for",
                    [rest, allow(LAUNCH, f"{EC2}:instance/*", StringEquals={"ec2:MetadataHttpTokens": "required"})],
                    "ec2.run_instances",
                    {**PLAIN, "MetadataOptions": {"HttpTokens": "required"}},
                ),
                Row(
                    "tags of the subnet and the group",
                    [
                        allow(LAUNCH, [*all_but("subnet")]),
                        allow(LAUNCH, f"{EC2}:subnet/*", StringEquals=team),
                    ],
                    "ec2.run_instances",
                    PLAIN,
                ),
                Row(
                    "a group without the tag",
                    [
                        allow(LAUNCH, all_but("security-group")),
                        allow(LAUNCH, f"{EC2}:security-group/*", StringEquals=team),
                    ],
                    "ec2.run_instances",
                    {**PLAIN, "SecurityGroupIds": ["{group}", "{other}"]},
                    f"{LAUNCH} {EC2}:security-group/{{other}}",
                ),
                Row(
                    "the VPC of subnet and group is an ARN",
                    [
                        allow(LAUNCH, [*all_but("subnet")]),
                        allow(LAUNCH, f"{EC2}:subnet/*", ArnEquals={"ec2:Vpc": f"{EC2}:vpc/{{vpc}}"}),
                    ],
                    "ec2.run_instances",
                    PLAIN,
                ),
                Row(
                    "another VPC",
                    [
                        allow(LAUNCH, [*all_but("subnet")]),
                        allow(LAUNCH, f"{EC2}:subnet/*", ArnEquals={"ec2:Vpc": f"{EC2}:vpc/vpc-0"}),
                    ],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} {EC2}:subnet/{{subnet}}",
                ),
                Row(
                    "an encrypted volume",
                    [
                        allow(LAUNCH, all_but("volume")),
                        allow(LAUNCH, f"{EC2}:volume/*", Bool={"ec2:Encrypted": "true"}),
                    ],
                    "ec2.run_instances",
                    {**PLAIN, "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}]},
                ),
                Row(
                    "a volume that is not",
                    [
                        allow(LAUNCH, all_but("volume")),
                        allow(LAUNCH, f"{EC2}:volume/*", Bool={"ec2:Encrypted": "true"}),
                    ],
                    "ec2.run_instances",
                    {**PLAIN, "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9}}]},
                    f"{LAUNCH} {EC2}:volume/*",
                ),
            ]
        )

    def test_what_a_template_holds_counts_as_if_it_was_asked_for(self) -> None:
        used = {"ec2:LaunchTemplate": f"{EC2}:launch-template/{{template}}"}
        run = allow(LAUNCH)
        tag = allow("ec2:CreateTags", "*", StringEquals={"ec2:CreateAction": "RunInstances"})
        self.judge(
            [
                Row("with template, tags and role", [run, tag, PASS], "ec2.run_instances", FROM_TEMPLATE),
                Row(
                    "the template itself",
                    [allow(LAUNCH, EVERYTHING), tag, PASS],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                    f"{LAUNCH} {EC2}:launch-template/{{template}}",
                ),
                Row(
                    "the tags in the template",
                    [run, PASS],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                    f"ec2:CreateTags {EC2}:network-interface/*",
                ),
                Row(
                    "the role of the template's profile",
                    [run, tag],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                    f"iam:PassRole {IAM}:role/nodes/node",
                ),
                Row(
                    "another service's role",
                    [
                        run,
                        tag,
                        allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "lambda.amazonaws.com"}),
                    ],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                    f"iam:PassRole {IAM}:role/nodes/node",
                ),
                Row(
                    "the template's subnet",
                    [run, deny(LAUNCH, f"{EC2}:subnet/{{subnet}}"), tag, PASS],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                    f"{LAUNCH} {EC2}:subnet/{{subnet}}",
                ),
                Row(
                    "only by this template",
                    [allow(LAUNCH, "*", ArnEquals=used), tag, PASS],
                    "ec2.run_instances",
                    FROM_TEMPLATE,
                ),
                Row(
                    "without a template",
                    [allow(LAUNCH, "*", ArnEquals=used), tag, PASS],
                    "ec2.run_instances",
                    PLAIN,
                    f"{LAUNCH} arn:aws:ec2:{REGION}::image/{{image}}",
                ),
                Row(
                    "what overrides the template",
                    [allow(LAUNCH, "*", ArnEquals=used, Bool={"ec2:IsLaunchTemplateResource": "true"}), tag, PASS],
                    "ec2.run_instances",
                    {**FROM_TEMPLATE, "ImageId": "{image}"},
                    f"{LAUNCH} arn:aws:ec2:{REGION}::image/{{image}}",
                ),
            ]
        )

    def test_tags_on_creation_are_a_right_of_their_own(self) -> None:
        tagged = {**PLAIN, "TagSpecifications": [of_type("instance", team="a")]}
        create = allow("ec2:CreateTags", f"{EC2}:instance/*", StringEquals={"ec2:CreateAction": "RunInstances"})
        own = {"aws:RequestTag/team": "a"}
        self.judge(
            [
                Row("with it", [allow(LAUNCH), create], "ec2.run_instances", tagged),
                Row(
                    "without it",
                    [allow(LAUNCH)],
                    "ec2.run_instances",
                    tagged,
                    f"ec2:CreateTags {EC2}:instance/*",
                ),
                Row(
                    "not for another action",
                    [
                        allow(LAUNCH),
                        allow("ec2:CreateTags", "*", StringEquals={"ec2:CreateAction": "CreateVolume"}),
                    ],
                    "ec2.run_instances",
                    tagged,
                    f"ec2:CreateTags {EC2}:instance/*",
                ),
                Row(
                    "not for what is there already",
                    [create],
                    "ec2.create_tags",
                    {"Resources": ["{volume}"], "Tags": tags(team="b")},
                    f"ec2:CreateTags {EC2}:volume/{{volume}}",
                ),
                Row(
                    "tags are of the type that they are put on",
                    [
                        allow(LAUNCH, all_but("volume")),
                        allow(LAUNCH, f"{EC2}:volume/*", StringEquals=own),
                        create,
                    ],
                    "ec2.run_instances",
                    tagged,
                    f"{LAUNCH} {EC2}:volume/*",
                ),
                Row(
                    "the keys of tags",
                    [allow(LAUNCH, "*", ForAllValues_StringEquals={"aws:TagKeys": ["team"]}), create],
                    "ec2.run_instances",
                    tagged,
                ),
            ]
        )

    def test_a_denial_can_be_decoded(self) -> None:
        aws = self.world.aws
        ec2 = aws.client("ec2", self.world.principal([allow("ec2:DescribeVpcs", "arn:aws:ec2:*:*:nothing/*")]))
        with self.assertRaises(ClientError) as refused:
            ec2.run_instances(**self.world.filled(PLAIN))
        text = str(refused.exception)
        self.assertIn("UnauthorizedOperation", text)
        self.assertIn("You are not authorized to perform this operation. User: arn:aws:sts::", text)
        message = text.partition("Encoded authorization failure message: ")[2]
        decoded = json.loads(aws.client("sts").decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
        self.assertEqual(decoded["context"]["action"], LAUNCH)
        self.assertIn(
            {"key": "ec2:Owner", "values": {"items": [{"value": "amazon"}]}}, decoded["context"]["conditions"]["items"]
        )
        with self.assertRaisesRegex(ClientError, "InvalidAuthorizationMessage"):
            aws.client("sts").decode_authorization_message(EncodedMessage="nonsense")
        with self.assertRaises(ClientError) as refused:
            ec2.describe_vpcs()
        self.assertNotIn("Encoded", str(refused.exception))


class Networks(Table):
    def test_calls_of_ec2(self) -> None:
        team = {"aws:ResourceTag/team": "a"}
        peer = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": "{other}"}]}]
        self.judge(
            [
                Row("a list has no resource", [allow("ec2:DescribeVpcs")], "ec2.describe_vpcs", {}),
                Row(
                    "so a statement on one does not match",
                    [allow("ec2:DescribeVpcs", f"{EC2}:vpc/*")],
                    "ec2.describe_vpcs",
                    {},
                    "ec2:DescribeVpcs",
                ),
                Row(
                    "the region that is asked",
                    [allow("ec2:DescribeVpcs", "*", StringEquals={"aws:RequestedRegion": REGION})],
                    "ec2.describe_vpcs",
                    {},
                ),
                Row(
                    "another region",
                    [allow("ec2:DescribeVpcs", "*", StringEquals={"ec2:Region": "eu-west-1"})],
                    "ec2.describe_vpcs",
                    {},
                    "ec2:DescribeVpcs",
                ),
                Row(
                    "an attribute of one VPC",
                    [allow("ec2:DescribeVpcAttribute", f"{EC2}:vpc/{{vpc}}")],
                    "ec2.describe_vpc_attribute",
                    {"VpcId": "{vpc}", "Attribute": "enableDnsSupport"},
                ),
                Row(
                    "a VPC is new",
                    [allow("ec2:CreateVpc", f"{EC2}:vpc/*")],
                    "ec2.create_vpc",
                    {"CidrBlock": "10.7.0.0/16"},
                ),
                Row(
                    "a subnet is new, its VPC is not",
                    [allow("ec2:CreateSubnet", f"{EC2}:subnet/*")],
                    "ec2.create_subnet",
                    {"VpcId": "{vpc}", "CidrBlock": "10.9.2.0/24"},
                    f"ec2:CreateSubnet {EC2}:vpc/{{vpc}}",
                ),
                Row(
                    "in a VPC with the tag",
                    [
                        allow("ec2:CreateSubnet", f"{EC2}:subnet/*"),
                        allow("ec2:CreateSubnet", f"{EC2}:vpc/*", StringEquals=team),
                    ],
                    "ec2.create_subnet",
                    {"VpcId": "{vpc}", "CidrBlock": "10.9.3.0/24"},
                ),
                Row(
                    "a group in a VPC",
                    [allow("ec2:CreateSecurityGroup", f"{EC2}:security-group/*")],
                    "ec2.create_security_group",
                    {"VpcId": "{vpc}", "GroupName": "more", "Description": "x"},
                    f"ec2:CreateSecurityGroup {EC2}:vpc/{{vpc}}",
                ),
                Row(
                    "a rule is judged on its group, not on its peer",
                    [allow("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/{{group}}")],
                    "ec2.authorize_security_group_ingress",
                    {"GroupId": "{group}", "IpPermissions": peer},
                ),
                Row(
                    "a rule of another group",
                    [allow("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/*", StringEquals=team)],
                    "ec2.authorize_security_group_ingress",
                    {"GroupId": "{other}", "IpPermissions": peer},
                    f"ec2:AuthorizeSecurityGroupIngress {EC2}:security-group/{{other}}",
                ),
                Row(
                    "a group by its tag, with EC2's own key",
                    [allow("ec2:RevokeSecurityGroupIngress", "*", StringEquals={"ec2:ResourceTag/team": "a"})],
                    "ec2.revoke_security_group_ingress",
                    {"GroupId": "{group}", "IpPermissions": peer},
                ),
                Row(
                    "deleting another's group",
                    [allow("ec2:DeleteSecurityGroup", "*", StringEquals=team)],
                    "ec2.delete_security_group",
                    {"GroupId": "{other}"},
                    f"ec2:DeleteSecurityGroup {EC2}:security-group/{{other}}",
                ),
                Row(
                    "the tag of the volume",
                    [allow("ec2:DeleteVolume", f"{EC2}:volume/*", StringEquals={"aws:ResourceTag/team": "b"})],
                    "ec2.delete_volume",
                    {"VolumeId": "{volume}"},
                    f"ec2:DeleteVolume {EC2}:volume/{{volume}}",
                ),
                Row(
                    "a snapshot has no account, its volume has one",
                    [allow("ec2:CreateSnapshot", [f"arn:aws:ec2:{REGION}::snapshot/*", f"{EC2}:volume/{{volume}}"])],
                    "ec2.create_snapshot",
                    {"VolumeId": "{volume}"},
                ),
                Row(
                    "a snapshot's volume",
                    [allow("ec2:CreateSnapshot", f"arn:aws:ec2:{REGION}::snapshot/*")],
                    "ec2.create_snapshot",
                    {"VolumeId": "{volume}"},
                    f"ec2:CreateSnapshot {EC2}:volume/{{volume}}",
                ),
                Row(
                    "the size of a volume",
                    [allow("ec2:CreateVolume", f"{EC2}:volume/*", NumericLessThan={"ec2:VolumeSize": "10"})],
                    "ec2.create_volume",
                    {"AvailabilityZone": f"{REGION}a", "Size": 20},
                    f"ec2:CreateVolume {EC2}:volume/*",
                ),
                Row(
                    "an interface, its subnet and its groups",
                    [allow("ec2:CreateNetworkInterface", [f"{EC2}:network-interface/*", f"{EC2}:subnet/*"])],
                    "ec2.create_network_interface",
                    {"SubnetId": "{subnet}", "Groups": ["{group}"]},
                    f"ec2:CreateNetworkInterface {EC2}:security-group/{{group}}",
                ),
                Row(
                    "the subnet of an interface",
                    [allow("ec2:CreateNetworkInterface", "*", ArnEquals={"ec2:Subnet": f"{EC2}:subnet/{{subnet}}"})],
                    "ec2.create_network_interface",
                    {"SubnetId": "{subnet}", "Groups": ["{group}"]},
                    f"ec2:CreateNetworkInterface {EC2}:subnet/{{subnet}}",
                ),
                Row(
                    "a route is judged on its table",
                    [allow("ec2:CreateRoute", f"{EC2}:route-table/{{table}}")],
                    "ec2.create_route",
                    {"RouteTableId": "{table}", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0"},
                ),
                Row(
                    "a table in a VPC",
                    [allow("ec2:CreateRouteTable", f"{EC2}:route-table/*")],
                    "ec2.create_route_table",
                    {"VpcId": "{vpc}"},
                    f"ec2:CreateRouteTable {EC2}:vpc/{{vpc}}",
                ),
                Row(
                    "a NAT gateway and its subnet",
                    [allow("ec2:CreateNatGateway", f"{EC2}:natgateway/*")],
                    "ec2.create_nat_gateway",
                    {"SubnetId": "{subnet}", "AllocationId": "eipalloc-0"},
                    f"ec2:CreateNatGateway {EC2}:elastic-ip/eipalloc-0",
                ),
                Row(
                    "an attribute is a key with its value",
                    [allow("ec2:ModifyVpcAttribute", "*", StringEquals={"ec2:Attribute/EnableDnsSupport": "true"})],
                    "ec2.modify_vpc_attribute",
                    {"VpcId": "{vpc}", "EnableDnsSupport": {"Value": False}},
                    f"ec2:ModifyVpcAttribute {EC2}:vpc/{{vpc}}",
                ),
                Row(
                    "tags that may be taken off",
                    [allow("ec2:DeleteTags", "*", ForAllValues_StringEquals={"aws:TagKeys": ["other"]})],
                    "ec2.delete_tags",
                    {"Resources": ["{volume}"], "Tags": [{"Key": "team"}]},
                    f"ec2:DeleteTags {EC2}:volume/{{volume}}",
                ),
                Row(
                    "which profile an instance gets",
                    [
                        allow(
                            "ec2:AssociateIamInstanceProfile",
                            "*",
                            ArnEquals={"ec2:NewInstanceProfile": f"{IAM}:instance-profile/profiles/other"},
                        )
                    ],
                    "ec2.associate_iam_instance_profile",
                    {"InstanceId": "i-00000000000000000", "IamInstanceProfile": {"Name": "node"}},
                    f"ec2:AssociateIamInstanceProfile {EC2}:instance/i-00000000000000000",
                ),
                Row(
                    "which instances may get a role",
                    [
                        allow("ec2:AssociateIamInstanceProfile"),
                        allow("iam:PassRole", "*", ArnLike={"iam:AssociatedResourceArn": f"{EC2}:instance/i-0*"}),
                    ],
                    "ec2.associate_iam_instance_profile",
                    {"InstanceId": "i-00000000000000000", "IamInstanceProfile": {"Name": "node"}},
                ),
                Row(
                    "an instance profile for an instance",
                    [allow("ec2:AssociateIamInstanceProfile")],
                    "ec2.associate_iam_instance_profile",
                    {"InstanceId": "i-00000000000000000", "IamInstanceProfile": {"Name": "node"}},
                    f"iam:PassRole {IAM}:role/nodes/node",
                ),
            ]
        )


if __name__ == "__main__":
    unittest.main()
