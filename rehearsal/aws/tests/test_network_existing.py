"""A network that is there before a stack: further blocks, free addresses, and what is refused around it."""

import unittest

from botocore.exceptions import ClientError
from embedded import EmbeddedAWS
from parts import ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


class ExistingNetwork(unittest.TestCase):
    def setUp(self) -> None:
        self.ec2 = aws.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]

    def blocks(self) -> list[str]:
        vpc = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]
        return [one["CidrBlock"] for one in vpc["CidrBlockAssociationSet"]]

    def refused(self, code: str, call, **arguments: object) -> None:
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code, caught.exception)

    def test_further_blocks(self) -> None:
        added = self.ec2.associate_vpc_cidr_block(VpcId=self.vpc, CidrBlock="100.64.0.0/20")["CidrBlockAssociation"]
        self.assertEqual(self.blocks(), ["10.0.0.0/24", "100.64.0.0/20"])
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        routes = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        self.assertEqual({r["DestinationCidrBlock"] for r in routes}, {"10.0.0.0/24", "100.64.0.0/20"})
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="100.64.3.0/26")["Subnet"]["SubnetId"]
        found = self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
        self.assertEqual(found["AvailableIpAddressCount"], 64 - 5)
        self.ec2.create_network_interface(SubnetId=subnet)
        found = self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
        self.assertEqual(found["AvailableIpAddressCount"], 64 - 6)
        association = added["AssociationId"]
        self.refused("DependencyViolation", self.ec2.disassociate_vpc_cidr_block, AssociationId=association)
        for one in self.ec2.describe_network_interfaces()["NetworkInterfaces"]:
            self.ec2.delete_network_interface(NetworkInterfaceId=one["NetworkInterfaceId"])
        self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.disassociate_vpc_cidr_block(AssociationId=association)
        self.assertEqual(self.blocks(), ["10.0.0.0/24"])
        routes = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        self.assertEqual([r["DestinationCidrBlock"] for r in routes], ["10.0.0.0/24"])

    def test_blocks_that_are_refused(self) -> None:
        associate = self.ec2.associate_vpc_cidr_block
        self.refused("InvalidVpcID.NotFound", associate, VpcId="vpc-0", CidrBlock="10.1.0.0/24")
        for block in (
            "10.0.0.128/25",
            "10.2.0.0/15",
            "10.1.0.0/29",
            "172.16.0.0/24",
            "192.168.0.0/24",
            "198.19.1.0/24",
        ):
            with self.subTest(block):
                self.refused("InvalidVpc.Range", associate, VpcId=self.vpc, CidrBlock=block)
        for number in range(1, 5):
            associate(VpcId=self.vpc, CidrBlock=f"10.{number}.0.0/24")
        self.refused("CidrLimitExceeded", associate, VpcId=self.vpc, CidrBlock="10.9.0.0/24")
        first = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
        self.refused("OperationNotPermitted", self.ec2.disassociate_vpc_cidr_block, AssociationId=first)

    def test_subnets_that_are_refused(self) -> None:
        create = self.ec2.create_subnet
        create(VpcId=self.vpc, CidrBlock="10.0.0.0/26")
        self.refused("InvalidSubnet.Conflict", create, VpcId=self.vpc, CidrBlock="10.0.0.32/28")
        self.refused("InvalidSubnet.Range", create, VpcId=self.vpc, CidrBlock="10.0.1.0/28")
        self.refused(
            "InvalidParameterValue", create, VpcId=self.vpc, CidrBlock="10.0.0.64/28", AvailabilityZone="us-east-1z"
        )

    def test_a_deleted_subnet_leaves_its_table(self) -> None:
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/26")["Subnet"]["SubnetId"]
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_route_table(RouteTableId=table)

    def test_one_endpoint_for_a_service_in_a_table(self) -> None:
        first, second = (self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
        service = "com.amazonaws.us-east-1.s3"
        create = self.ec2.create_vpc_endpoint
        create(VpcId=self.vpc, ServiceName=service, RouteTableIds=[first])
        create(VpcId=self.vpc, ServiceName=service, RouteTableIds=[second])
        self.refused("RouteAlreadyExists", create, VpcId=self.vpc, ServiceName=service, RouteTableIds=[first])
        endpoint = {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {"VpcId": self.vpc, "ServiceName": service, "RouteTableIds": [second]},
        }
        self.assertEqual(aws.deploy("endpoint", {"Resources": {"S3": endpoint}}), "ROLLBACK_COMPLETE")
        self.assertIn(f"route table {second} already has a route", aws.reasons("endpoint"))

    def test_one_internet_gateway(self) -> None:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        template = {
            "Resources": {
                "Igw": {"Type": "AWS::EC2::InternetGateway"},
                "Attached": {
                    "Type": "AWS::EC2::VPCGatewayAttachment",
                    "Properties": {"VpcId": self.vpc, "InternetGatewayId": ref("Igw")},
                },
            }
        }
        self.assertEqual(aws.deploy("gateway", template), "ROLLBACK_COMPLETE")
        self.assertIn("already has an internet gateway attached", aws.reasons("gateway"))

    def test_a_parameter_names_a_network_that_is_there(self) -> None:
        template = {
            "Parameters": {"VpcId": {"Type": "AWS::EC2::VPC::Id"}},
            "Resources": {"Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("VpcId")}}},
        }
        with self.assertRaisesRegex(ClientError, "parameter value vpc-0123 for parameter name VpcId does not exist"):
            aws.deploy("unknown", template, Parameters=[{"ParameterKey": "VpcId", "ParameterValue": "vpc-0123"}])
        self.assertEqual(
            aws.deploy("known", template, Parameters=[{"ParameterKey": "VpcId", "ParameterValue": self.vpc}]),
            "CREATE_COMPLETE",
        )


if __name__ == "__main__":
    unittest.main()
