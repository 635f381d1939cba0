"""What is in use is not deleted."""

import json

from account import Conformance, client, fresh, parts, service_role, subnet, vpc
from claims import claim

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"
_IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"
_EKS = "https://docs.aws.amazon.com/eks/latest/APIReference/API_"


class Network(Conformance):
    area = "Refused deletes"

    @claim(
        "A VPC goes only after its gateways and resources are detached or deleted.",
        f"{_API}DeleteVpc.html",
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
    )
    def test_vpc_with_a_subnet(self) -> None:
        network = vpc()
        inside = subnet(network)
        with self.refused("DependencyViolation"):
            client("ec2").delete_vpc(VpcId=network)
        client("ec2").delete_subnet(SubnetId=inside)
        client("ec2").delete_vpc(VpcId=network)

    @claim("A VPC with an attached internet gateway is not deleted.", f"{_API}DeleteVpc.html", "AWS::EC2::VPC")
    def test_vpc_with_a_gateway(self) -> None:
        ec2, network = client("ec2"), vpc()
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        with self.refused("DependencyViolation"):
            ec2.delete_vpc(VpcId=network)

    @claim(
        "A VPC with a security group other than the default one is not deleted.",
        f"{_API}DeleteVpc.html",
        "AWS::EC2::SecurityGroup",
    )
    def test_vpc_with_a_security_group(self) -> None:
        ec2, network = client("ec2"), vpc()
        ec2.create_security_group(GroupName="g", Description="d", VpcId=network)
        with self.refused("DependencyViolation"):
            ec2.delete_vpc(VpcId=network)

    @claim(
        "DependencyViolation: the internet gateway is still attached.",
        f"{_API}DeleteInternetGateway.html",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::VPCGatewayAttachment",
    )
    def test_attached_gateway(self) -> None:
        ec2, network = client("ec2"), vpc()
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        with self.refused("DependencyViolation"):
            ec2.delete_internet_gateway(InternetGatewayId=gateway)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)

    @claim(
        "The VPC must not contain running resources with Elastic IP addresses when its internet gateway is detached.",
        f"{_API}DetachInternetGateway.html",
        "AWS::EC2::NatGateway",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::EIP",
    )
    def test_gateway_of_mapped_addresses(self) -> None:
        ec2, network = client("ec2"), vpc()
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=subnet(network), AllocationId=address)["NatGateway"]["NatGatewayId"]
        with self.refused("DependencyViolation"):
            ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        ec2.delete_nat_gateway(NatGatewayId=nat)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network)

    @claim(
        "An Elastic IP address that a NAT gateway uses is not released.",
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html",
        "AWS::EC2::EIP",
        "AWS::EC2::NatGateway",
    )
    def test_address_in_use(self) -> None:
        ec2, network = client("ec2"), vpc()
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.create_nat_gateway(SubnetId=subnet(network), AllocationId=address)
        with self.refused("InvalidIPAddress.InUse|AuthFailure|DependencyViolation"):
            ec2.release_address(AllocationId=address)

    @claim(
        "All instances and network interfaces in a subnet go before the subnet.",
        f"{_API}DeleteSubnet.html",
        "AWS::EC2::Subnet",
        "AWS::EC2::NatGateway",
    )
    def test_subnet_with_a_nat_gateway(self) -> None:
        ec2, network = client("ec2"), vpc()
        address, place = ec2.allocate_address(Domain="vpc")["AllocationId"], subnet(network)
        ec2.create_nat_gateway(SubnetId=place, AllocationId=address)
        with self.refused("DependencyViolation"):
            ec2.delete_subnet(SubnetId=place)

    @claim(
        "A subnet with a network interface in it is not deleted.",
        f"{_API}DeleteSubnet.html",
        "AWS::EC2::Subnet",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
    )
    def test_subnet_with_an_interface(self) -> None:
        ec2, place = client("ec2"), subnet(vpc())
        interface = ec2.create_network_interface(SubnetId=place)["NetworkInterface"]["NetworkInterfaceId"]
        with self.refused("DependencyViolation"):
            ec2.delete_subnet(SubnetId=place)
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        ec2.delete_subnet(SubnetId=place)

    @claim(
        "A route table that is associated with a subnet is not deleted.",
        f"{_API}DeleteRouteTable.html",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SubnetRouteTableAssociation",
    )
    def test_associated_route_table(self) -> None:
        ec2, network = client("ec2"), vpc()
        table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
        link = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet(network))["AssociationId"]
        with self.refused("DependencyViolation"):
            ec2.delete_route_table(RouteTableId=table)
        ec2.disassociate_route_table(AssociationId=link)
        ec2.delete_route_table(RouteTableId=table)

    @claim("The main route table is not deleted.", f"{_API}DeleteRouteTable.html", "AWS::EC2::RouteTable")
    def test_main_route_table(self) -> None:
        ec2, network = client("ec2"), vpc()
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network]}])["RouteTables"]
        with self.refused("DependencyViolation"):
            ec2.delete_route_table(RouteTableId=tables[0]["RouteTableId"])

    @claim(
        "DependencyViolation: the security group is referenced by another security group.",
        f"{_API}DeleteSecurityGroup.html",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
    )
    def test_referenced_group(self) -> None:
        ec2, network = client("ec2"), vpc()
        one, two = (ec2.create_security_group(GroupName=n, Description="d", VpcId=network)["GroupId"] for n in "ab")
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": two}]}
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[rule])
        with self.refused("DependencyViolation"):
            ec2.delete_security_group(GroupId=two)
        ec2.revoke_security_group_ingress(GroupId=one, IpPermissions=[rule])
        ec2.delete_security_group(GroupId=two)

    @claim(
        "A security group that is associated with a network interface is not deleted.",
        f"{_API}DeleteSecurityGroup.html",
        "AWS::EC2::SecurityGroup",
    )
    def test_group_of_an_interface(self) -> None:
        ec2, network = client("ec2"), vpc()
        group = ec2.create_security_group(GroupName="g", Description="d", VpcId=network)["GroupId"]
        ec2.create_network_interface(SubnetId=subnet(network), Groups=[group])
        with self.refused("DependencyViolation"):
            ec2.delete_security_group(GroupId=group)

    @claim(
        "The default security group of a VPC is not deleted.",
        "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
        "AWS::EC2::SecurityGroup",
    )
    def test_default_group(self) -> None:
        ec2, network = client("ec2"), vpc()
        wanted = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": ["default"]}]
        group = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]
        with self.refused("CannotDelete"):
            ec2.delete_security_group(GroupId=group)

    @claim(
        "A NAT gateway that is deleted shows as deleted for a while, and releases its address for other use.",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EIP",
    )
    def test_deleted_nat_gateway(self) -> None:
        ec2, network = client("ec2"), vpc()
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=subnet(network), AllocationId=address)["NatGateway"]["NatGatewayId"]
        ec2.delete_nat_gateway(NatGatewayId=nat)
        state = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"]
        self.assertIn(state, ("deleting", "deleted"))
        ec2.release_address(AllocationId=address)


class Identity(Conformance):
    area = "Refused deletes"

    @claim(
        "DeleteConflict: a role with inline policies is not deleted.",
        f"{_IAM}DeleteRole.html",
        "AWS::IAM::Role",
    )
    def test_role_with_a_policy(self) -> None:
        iam, name = client("iam"), service_role("ec2.amazonaws.com").rsplit("/", 1)[-1]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(parts.allow(["s3:GetObject"])))
        with self.refused("DeleteConflict", "must delete policies first"):
            iam.delete_role(RoleName=name)
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)

    @claim(
        "DeleteConflict: a role with attached managed policies is not deleted.",
        f"{_IAM}DeleteRole.html",
        "AWS::IAM::Role",
    )
    def test_role_with_an_attached_policy(self) -> None:
        iam, name = client("iam"), service_role("eks.amazonaws.com", "AmazonEKSClusterPolicy").rsplit("/", 1)[-1]
        with self.refused("DeleteConflict", "must detach all policies first"):
            iam.delete_role(RoleName=name)

    @claim(
        "DeleteConflict: a role in an instance profile is not deleted.",
        f"{_IAM}DeleteRole.html",
        "AWS::IAM::Role",
        "AWS::IAM::InstanceProfile",
    )
    def test_role_in_a_profile(self) -> None:
        iam, name, profile = client("iam"), service_role("ec2.amazonaws.com").rsplit("/", 1)[-1], fresh("profile")
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
        with self.refused("DeleteConflict", "must remove roles from instance profile first"):
            iam.delete_role(RoleName=name)

    @claim(
        "DeleteConflict: an instance profile with a role is not deleted.",
        f"{_IAM}DeleteInstanceProfile.html",
        "AWS::IAM::InstanceProfile",
    )
    def test_profile_with_a_role(self) -> None:
        iam, name, profile = client("iam"), service_role("ec2.amazonaws.com").rsplit("/", 1)[-1], fresh("profile")
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
        with self.refused("DeleteConflict", "must remove roles from instance profile first"):
            iam.delete_instance_profile(InstanceProfileName=profile)
        iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=name)
        iam.delete_instance_profile(InstanceProfileName=profile)

    @claim(
        "An instance profile holds one role only.",
        f"{_IAM}AddRoleToInstanceProfile.html",
        "AWS::IAM::InstanceProfile",
    )
    def test_second_role_of_a_profile(self) -> None:
        iam, profile = client("iam"), fresh("profile")
        one, two = (service_role("ec2.amazonaws.com").rsplit("/", 1)[-1] for _ in range(2))
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=one)
        with self.refused("LimitExceeded"):
            iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=two)

    @claim(
        "DeleteConflict: a managed policy that is attached is not deleted.",
        f"{_IAM}DeletePolicy.html",
        "AWS::IAM::Role",
    )
    def test_attached_policy(self) -> None:
        iam, name = client("iam"), service_role("ec2.amazonaws.com").rsplit("/", 1)[-1]
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
        policy = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        with self.refused("DeleteConflict", "attached to entities"):
            iam.delete_policy(PolicyArn=policy)
        iam.detach_role_policy(RoleName=name, PolicyArn=policy)
        iam.delete_policy(PolicyArn=policy)

    @claim(
        "DeleteConflict: a managed policy that is a permissions boundary is not deleted.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
        "AWS::IAM::Role",
    )
    def test_policy_as_boundary(self) -> None:
        iam, name = client("iam"), service_role("ec2.amazonaws.com").rsplit("/", 1)[-1]
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
        policy = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=document)["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=policy)
        with self.refused("DeleteConflict"):
            iam.delete_policy(PolicyArn=policy)


class Buckets(Conformance):
    area = "Refused deletes"

    @claim(
        "BucketNotEmpty: all objects go before the bucket.",
        f"{_S3}DeleteBucket.html",
        "AWS::S3::Bucket",
        "s3:PutObject",
        "s3:DeleteObject",
    )
    def test_bucket_with_an_object(self) -> None:
        s3, name = client("s3"), fresh("bucket")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="k", Body=b"")
        with self.refused("BucketNotEmpty"):
            s3.delete_bucket(Bucket=name)
        s3.delete_object(Bucket=name, Key="k")
        s3.delete_bucket(Bucket=name)

    @claim(
        "BucketNotEmpty: all versions and delete markers go before a versioned bucket.",
        f"{_S3}DeleteBucket.html",
        "AWS::S3::Bucket",
        "s3:DeleteObjectVersion",
    )
    def test_bucket_with_a_delete_marker(self) -> None:
        s3, name = client("s3"), fresh("bucket")
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="k", Body=b"")
        s3.delete_object(Bucket=name, Key="k")
        with self.refused("BucketNotEmpty"):
            s3.delete_bucket(Bucket=name)
        found = s3.list_object_versions(Bucket=name)
        self.assertEqual((len(found["Versions"]), len(found["DeleteMarkers"])), (1, 1))
        for one in found["Versions"] + found["DeleteMarkers"]:
            s3.delete_object(Bucket=name, Key="k", VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=name)
