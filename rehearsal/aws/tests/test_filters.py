"""Filters of EC2's describe calls."""

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


class Filters(unittest.TestCase):
    def test_each_filter_leaves_only_what_matches(self) -> None:
        group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x", "VpcId": ref("Vpc")}}
        one = {
            "Resources": {**parts.network(), "Group": group},
            "Outputs": parts.outputs(
                Vpc=ref("Vpc"),
                Igw=ref("Igw"),
                Nat=ref("Nat"),
                Subnet=ref("Private0"),
                Table=ref("PrivateTable"),
                Group=att("Group", "GroupId"),
                Endpoint=ref("Endpoint"),
                Allocation=att("Address", "AllocationId"),
                Ip=ref("Address"),
            ),
        }
        for name in ("one", "two"):
            self.assertEqual(aws.deploy(name, one), "CREATE_COMPLETE", aws.reasons(name))
        made, ec2 = aws.outputs("one"), aws.client("ec2")
        in_vpc = ("vpc-id", made["Vpc"])
        cases = [
            ("describe_vpcs", "Vpcs", "VpcId", in_vpc, {made["Vpc"]}),
            ("describe_vpcs", "Vpcs", "VpcId", ("tag:aws:cloudformation:stack-name", "one"), {made["Vpc"]}),
            ("describe_vpcs", "Vpcs", "VpcId", ("cidr", "10.99.0.0/16"), set()),
            ("describe_subnets", "Subnets", "SubnetId", ("subnet-id", made["Subnet"]), {made["Subnet"]}),
            (
                "describe_internet_gateways",
                "InternetGateways",
                "InternetGatewayId",
                ("attachment.vpc-id", made["Vpc"]),
                {made["Igw"]},
            ),
            ("describe_nat_gateways", "NatGateways", "NatGatewayId", in_vpc, {made["Nat"]}),
            (
                "describe_route_tables",
                "RouteTables",
                "RouteTableId",
                ("association.subnet-id", made["Subnet"]),
                {made["Table"]},
            ),
            (
                "describe_route_tables",
                "RouteTables",
                "RouteTableId",
                ("route.nat-gateway-id", made["Nat"]),
                {made["Table"]},
            ),
            ("describe_security_groups", "SecurityGroups", "GroupId", ("group-id", made["Group"]), {made["Group"]}),
            ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", in_vpc, {made["Endpoint"]}),
            ("describe_addresses", "Addresses", "AllocationId", ("public-ip", made["Ip"]), {made["Allocation"]}),
            (
                "describe_addresses",
                "Addresses",
                "AllocationId",
                ("tag:aws:cloudformation:stack-name", "one"),
                {made["Allocation"]},
            ),
            ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", in_vpc, set()),
        ]
        for call, members, key, (name, value), wanted in cases:
            with self.subTest(f"{call} {name}"):
                option = "Filter" if call == "describe_nat_gateways" else "Filters"
                found = getattr(ec2, call)(**{option: [{"Name": name, "Values": [value]}]})[members]
                self.assertEqual({item[key] for item in found}, wanted)

    def test_zones_by_state_and_kind(self) -> None:
        ec2 = aws.client("ec2")
        zones = ec2.describe_availability_zones(Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])
        self.assertEqual([z["ZoneName"][-1] for z in zones["AvailabilityZones"]], list("abcdef"))
        local = ec2.describe_availability_zones(Filters=[{"Name": "zone-type", "Values": ["local-zone"]}])
        self.assertEqual([z["ZoneId"] for z in local["AvailabilityZones"]], ["use1-bos1-az1"])
        none = ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["impaired"]}])
        self.assertEqual(none["AvailabilityZones"], [])

    def test_filter_that_ec2_does_not_know_is_refused(self) -> None:
        with self.assertRaisesRegex(ClientError, "The filter 'colour' is invalid"):
            aws.client("ec2").describe_vpcs(Filters=[{"Name": "colour", "Values": ["red"]}])
