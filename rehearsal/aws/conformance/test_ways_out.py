"""Ways out of a VPC, as what asks for them sees them: routes, endpoints, NAT gateways."""

import unittest

from account import Conformance, client, subnet, vpc
from claims import claim

_GUIDE = "https://docs.aws.amazon.com/vpc/latest/"
_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"


def tables(vpc_id: str) -> list[dict]:
    found = client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return found["RouteTables"]


class WaysOut(Conformance):
    area = "Ways out of a VPC"

    @claim(
        "A VPC has a main route table; a subnet that is associated with none uses it.",
        f"{_GUIDE}userguide/VPC_Route_Tables.html",
        "AWS::EC2::RouteTable",
        "ec2:DescribeRouteTables",
    )
    def test_main_table(self) -> None:
        network = vpc()
        mine = subnet(network)
        (main,) = tables(network)
        self.assertTrue(main["Associations"][0]["Main"])
        self.assertNotIn(mine, str(main["Associations"]))

    @claim(
        "A route leads IPv6 traffic or a prefix list's to a target of any kind.",
        f"{_EC2}CreateRoute.html",
        "AWS::EC2::Route",
        "ec2:DescribeRouteTables",
    )
    def test_destinations(self) -> None:
        network = vpc()
        table = tables(network)[0]["RouteTableId"]
        routes = (
            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
            {"DestinationPrefixListId": "pl-1", "TransitGatewayId": "tgw-1"},
        )
        for route in routes:
            client("ec2").create_route(RouteTableId=table, **route)
        shown = tables(network)[0]["Routes"]
        for route in routes:
            self.assertIn({**route, "Origin": "CreateRoute", "State": "active"}, shown)

    @claim(
        "An interface endpoint has a private DNS name unless told otherwise, "
        "and the VPC's default group if none is given.",
        f"{_EC2}CreateVpcEndpoint.html",
        "AWS::EC2::VPCEndpoint",
        "ec2:DescribeVpcEndpoints",
    )
    def test_endpoint(self) -> None:
        made = client("ec2").create_vpc_endpoint(
            VpcId=vpc(), ServiceName="com.amazonaws.us-east-1.sts", VpcEndpointType="Interface"
        )["VpcEndpoint"]
        self.assertTrue(made["PrivateDnsEnabled"])
        self.assertEqual([group["GroupName"] for group in made["Groups"]], ["default"])

    @claim(
        "DescribeNatGateways tells a public NAT gateway's address.",
        f"{_EC2}NatGatewayAddress.html",
        "AWS::EC2::NatGateway",
        "ec2:DescribeNatGateways",
    )
    def test_nat_address(self) -> None:
        ec2, network = client("ec2"), vpc()
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        address = ec2.allocate_address(Domain="vpc")
        made = ec2.create_nat_gateway(SubnetId=subnet(network), AllocationId=address["AllocationId"])["NatGateway"]
        (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
        self.assertEqual([one["PublicIp"] for one in found["NatGatewayAddresses"]], [address["PublicIp"]])


if __name__ == "__main__":
    unittest.main()
