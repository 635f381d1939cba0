"""Routes of all kinds, endpoints with their groups and names, and the addresses of NAT gateways."""

import unittest

from botocore.exceptions import ClientError
from embedded import EmbeddedAWS

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


class Routes(unittest.TestCase):
    def setUp(self) -> None:
        self.ec2 = aws.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]

    def routes(self) -> list[dict]:
        """The routes that were made."""
        table = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"][0]
        return [
            {key: value for key, value in route.items() if key not in ("State", "Origin")}
            for route in table["Routes"]
            if route["Origin"] == "CreateRoute"
        ]

    def test_every_destination_and_target(self) -> None:
        made = [
            {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"},
            {"DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": "pcx-1"},
            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
            {"DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1"},
            {"DestinationPrefixListId": "pl-1", "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c"},
            {"DestinationPrefixListId": "pl-2", "NetworkInterfaceId": "eni-1"},
        ]
        for route in made:
            self.ec2.create_route(RouteTableId=self.table, **route)
        firewall = {"DestinationCidrBlock": "10.8.0.0/16", "VpcEndpointId": "vpce-1"}
        self.ec2.create_route(RouteTableId=self.table, **firewall)
        shown = {"DestinationCidrBlock": "10.8.0.0/16", "GatewayId": "vpce-1"}
        self.assertCountEqual(self.routes(), [*made, shown])

        for route in made:
            destination = dict([next(iter(route.items()))])
            with self.subTest(**destination):
                with self.assertRaisesRegex(ClientError, "RouteAlreadyExists"):
                    self.ec2.create_route(RouteTableId=self.table, **route)
                self.ec2.replace_route(RouteTableId=self.table, **destination, TransitGatewayId="tgw-2")
                self.assertIn({**destination, "TransitGatewayId": "tgw-2"}, self.routes())
                self.ec2.delete_route(RouteTableId=self.table, **destination)
                with self.assertRaisesRegex(ClientError, r"InvalidRoute\.NotFound"):
                    self.ec2.delete_route(RouteTableId=self.table, **destination)
                with self.assertRaisesRegex(ClientError, "InvalidParameterValue"):
                    self.ec2.replace_route(RouteTableId=self.table, **destination, TransitGatewayId="tgw-2")
        self.assertEqual(self.routes(), [shown])

    def test_one_destination_and_one_target(self) -> None:
        for arguments in (
            {"GatewayId": "igw-1"},
            {"DestinationCidrBlock": "0.0.0.0/0"},
            {"DestinationCidrBlock": "0.0.0.0/0", "DestinationIpv6CidrBlock": "::/0", "TransitGatewayId": "tgw-1"},
            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "TransitGatewayId": "tgw-1"},
        ):
            with self.subTest(**arguments), self.assertRaisesRegex(ClientError, "InvalidParameterCombination"):
                self.ec2.create_route(RouteTableId=self.table, **arguments)

    def test_endpoints_have_groups_and_private_names(self) -> None:
        group = self.ec2.create_security_group(GroupName="endpoints", Description="x", VpcId=self.vpc)["GroupId"]
        service = "com.amazonaws.us-east-1."
        make = self.ec2.create_vpc_endpoint
        chosen = make(
            VpcId=self.vpc,
            ServiceName=service + "sts",
            VpcEndpointType="Interface",
            SecurityGroupIds=[group],
            PrivateDnsEnabled=False,
        )["VpcEndpoint"]
        make(VpcId=self.vpc, ServiceName=service + "eks", VpcEndpointType="Interface")
        make(VpcId=self.vpc, ServiceName=service + "s3", VpcEndpointType="Gateway", RouteTableIds=[self.table])
        self.assertEqual(chosen["Groups"], [{"GroupId": group, "GroupName": "endpoints"}])
        found = {
            e["ServiceName"].removeprefix(service): (e["PrivateDnsEnabled"], [g["GroupName"] for g in e["Groups"]])
            for e in self.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["VpcEndpoints"]
        }
        self.assertEqual(found, {"sts": (False, ["endpoints"]), "eks": (True, ["default"]), "s3": (False, [])})

    def test_nat_gateways_have_addresses(self) -> None:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        address = self.ec2.allocate_address(Domain="vpc")
        nat = self.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
        self.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
        found = {
            n["NatGatewayId"]: [a["PublicIp"] for a in n["NatGatewayAddresses"]]
            for n in self.ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["NatGateways"]
        }
        self.assertEqual(found.pop(nat["NatGatewayId"]), [address["PublicIp"]])
        self.assertEqual(list(found.values()), [[]])


if __name__ == "__main__":
    unittest.main()
