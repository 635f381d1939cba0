"""Networks: every type, in place and replaced, and what EC2 refuses."""

import unittest

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


def group(**more: object) -> dict:
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "test", "VpcId": ref("Vpc"), **more},
    }


class Network(unittest.TestCase):
    def test_whole_network_is_made_changed_and_deleted(self) -> None:
        template = {
            "Resources": {
                **parts.network(),
                "Nodes": group(),
                "Functions": group(
                    SecurityGroupEgress=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]
                ),
                "In": {
                    "Type": "AWS::EC2::SecurityGroupIngress",
                    "Properties": {
                        "GroupId": att("Nodes", "GroupId"),
                        "IpProtocol": "tcp",
                        "FromPort": 443,
                        "ToPort": 443,
                        "SourceSecurityGroupId": att("Functions", "GroupId"),
                    },
                },
                "Out": {
                    "Type": "AWS::EC2::SecurityGroupEgress",
                    "Properties": {
                        "GroupId": att("Functions", "GroupId"),
                        "IpProtocol": "tcp",
                        "FromPort": 53,
                        "ToPort": 53,
                        "CidrIp": "10.20.0.0/16",
                    },
                },
                "Launch": {
                    "Type": "AWS::EC2::LaunchTemplate",
                    "Properties": {"LaunchTemplateData": {"MetadataOptions": {"HttpTokens": "required"}}},
                },
            },
            "Outputs": parts.outputs(
                Vpc=ref("Vpc"),
                Block=att("Vpc", "CidrBlock"),
                Nat=ref("Nat"),
                Ip=ref("Address"),
                Launch=ref("Launch"),
                Version=att("Launch", "LatestVersionNumber"),
                Table=ref("PrivateTable"),
                Rule=ref("In"),
                Group=ref("Nodes"),
            ),
        }
        self.assertEqual(aws.deploy("net", template), "CREATE_COMPLETE", aws.reasons("net"))
        made = aws.outputs("net")
        self.assertEqual(made["Block"], "10.20.0.0/16")
        ec2 = aws.client("ec2")
        tables = ec2.describe_route_tables(RouteTableIds=[made["Table"]])["RouteTables"]
        self.assertIn(made["Nat"], [r.get("NatGatewayId") for r in tables[0]["Routes"]])
        rules = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"][0]["IpPermissions"]
        self.assertEqual(len(rules), 1, rules)

        resources = template["Resources"]
        resources["Nat"]["Properties"]["Tags"] = [{"Key": "Name", "Value": "nat"}]
        resources["Launch"]["Properties"]["LaunchTemplateData"]["InstanceType"] = "m7g.large"
        resources["PrivateAssociation0"]["Properties"]["RouteTableId"] = ref("PublicTable")
        resources["In"]["Properties"]["ToPort"] = 444
        self.assertEqual(aws.deploy("net", template), "UPDATE_COMPLETE", aws.reasons("net"))
        changed = aws.outputs("net")
        self.assertEqual(changed["Nat"], made["Nat"], "tags change in place")
        self.assertEqual(changed["Version"], "2", "a launch template gets a new version")
        self.assertNotEqual(changed["Rule"], made["Rule"], "a rule is replaced")
        rules = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"][0]["IpPermissions"]
        self.assertEqual([r["ToPort"] for r in rules], [444])
        gateways = ec2.describe_nat_gateways()["NatGateways"]
        tags = {t["Key"]: t["Value"] for g in gateways if g["NatGatewayId"] == made["Nat"] for t in g["Tags"]}
        self.assertEqual(tags["Name"], "nat")
        self.assertEqual(tags["aws:cloudformation:logical-id"], "Nat")

        self.assertEqual(aws.delete("net"), "DELETE_COMPLETE")
        self.assertNotIn(made["Vpc"], [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]])
        self.assertEqual(ec2.describe_addresses()["Addresses"], [])

    def test_what_a_template_forgot_is_refused(self) -> None:
        subnet = {"VpcId": ref("Vpc"), "CidrBlock": "10.20.0.128/25"}
        cases = {
            "a NAT gateway before the internet gateway is attached": (
                {
                    "Nat": {
                        "DependsOn": [],
                        "Properties": {"SubnetId": ref("Public0"), "AllocationId": att("Address", "AllocationId")},
                    },
                    "Attachment": {"DependsOn": "Nat"},
                    "Address": {"DependsOn": []},
                },
                "has no Internet gateway attached",
            ),
            "a route to a gateway that is not attached": (
                {"PublicRoute": {"DependsOn": []}, "Attachment": {"DependsOn": "PublicRoute"}},
                "belong to different networks",
            ),
            "subnets that overlap": (
                {"Other": {"Type": "AWS::EC2::Subnet", "Properties": subnet}},
                "InvalidSubnet.Conflict",
            ),
            "a subnet outside of its network": (
                {"Other": {"Type": "AWS::EC2::Subnet", "Properties": {**subnet, "CidrBlock": "10.99.0.0/24"}}},
                "InvalidSubnet.Range",
            ),
            "a property that is not played": (
                {
                    "Other": {
                        "Type": "AWS::EC2::Subnet",
                        "Properties": {**subnet, "CidrBlock": "10.20.77.0/24", "EnableLniAtDeviceIndex": 1},
                    }
                },
                "does not play these properties of AWS::EC2::Subnet: ['EnableLniAtDeviceIndex']",
            ),
        }
        for number, (name, (changes, wanted)) in enumerate(cases.items()):
            with self.subTest(name):
                resources = parts.network()
                for logical_id, change in changes.items():
                    resources[logical_id] = {**resources.get(logical_id, {}), **change}
                stack = f"refused{number}"
                self.assertEqual(aws.deploy(stack, {"Resources": resources}), "ROLLBACK_COMPLETE")
                self.assertIn(wanted, aws.reasons(stack))

    def test_what_is_in_use_is_not_deleted(self) -> None:
        template = {
            "Resources": {**parts.network(), "Group": group()},
            "Outputs": parts.outputs(Subnet=ref("Private0"), Group=ref("Group"), Vpc=ref("Vpc")),
        }
        ec2 = aws.client("ec2")
        for name in ("a NAT gateway in a subnet", "a rule that names a group", "a subnet in the network"):
            with self.subTest(name):
                self.assertEqual(aws.deploy("used", template), "CREATE_COMPLETE", aws.reasons("used"))
                made = aws.outputs("used")
                undo = self._use(ec2, name, made)
                self.assertEqual(aws.delete("used"), "DELETE_FAILED")
                self.assertIn("DependencyViolation", aws.reasons("used"))
                undo()
                self.assertEqual(aws.delete("used"), "DELETE_COMPLETE", aws.reasons("used"))

    def _use(self, ec2, name: str, made: dict):
        if name.startswith("a NAT"):
            nat = ec2.create_nat_gateway(SubnetId=made["Subnet"], ConnectivityType="private")["NatGateway"]
            return lambda: ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
        if name.startswith("a rule"):
            other = ec2.create_security_group(GroupName="outside", Description="x", VpcId=made["Vpc"])["GroupId"]
            ec2.authorize_security_group_ingress(
                GroupId=other,
                IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": made["Group"]}]}],
            )
            return lambda: ec2.delete_security_group(GroupId=other)
        subnet = ec2.create_subnet(VpcId=made["Vpc"], CidrBlock="10.20.99.0/24")["Subnet"]["SubnetId"]
        return lambda: ec2.delete_subnet(SubnetId=subnet)

    def test_api_refuses_too(self) -> None:
        template = {
            "Resources": parts.network(),
            "Outputs": parts.outputs(Subnet=ref("Public0"), Table=ref("PrivateTable"), Igw=ref("Igw"), Vpc=ref("Vpc")),
        }
        self.assertEqual(aws.deploy("api", template), "CREATE_COMPLETE", aws.reasons("api"))
        made, ec2 = aws.outputs("api"), aws.client("ec2")
        calls = {
            "a subnet with a NAT gateway": lambda: ec2.delete_subnet(SubnetId=made["Subnet"]),
            "a route table that is used": lambda: ec2.delete_route_table(RouteTableId=made["Table"]),
            "a gateway that is attached": lambda: ec2.delete_internet_gateway(InternetGatewayId=made["Igw"]),
            "detaching it": lambda: ec2.detach_internet_gateway(InternetGatewayId=made["Igw"], VpcId=made["Vpc"]),
        }
        for name, call in calls.items():
            with self.subTest(name), self.assertRaisesRegex(ClientError, "DependencyViolation"):
                call()
        self.assertEqual(aws.delete("api"), "DELETE_COMPLETE", aws.reasons("api"))
