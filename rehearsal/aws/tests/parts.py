"""Parts of templates."""

from typing import Any


def ref(name: str) -> dict:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict:
    return {"Fn::GetAtt": [name, attribute]}


def trust(service: str) -> dict:
    """A trust policy for an AWS service, such as "lambda.amazonaws.com"."""
    return document([{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}])


def document(statements: list[dict]) -> dict:
    return {"Version": "2012-10-17", "Statement": statements}


def allow(actions: list[str], resource: Any = "*") -> dict:
    return document([{"Effect": "Allow", "Action": actions, "Resource": resource}])


def role(service: str = "lambda.amazonaws.com", actions: list[str] | None = None, **more: Any) -> dict:
    """A role with one inline policy that allows actions on everything."""
    policies = [{"PolicyName": "own", "PolicyDocument": allow(actions)}] if actions else []
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust(service), "Policies": policies, **more},
    }


def function(role_name: str = "Role", **more: Any) -> dict:
    """The function that tests publish as s3://code/function.zip."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": att(role_name, "Arn"),
            "Code": {"S3Bucket": "code", "S3Key": "function.zip"},
            "Timeout": 30,
            **more,
        },
    }


def custom(function_name: str = "Function", **properties: Any) -> dict:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": att(function_name, "Arn"), **properties}}


def network(zones: int = 2, cidr: str = "10.20") -> dict[str, dict]:
    """A VPC with a public and a private subnet per zone, one NAT gateway, its routes and an S3 endpoint."""
    parts: dict[str, dict] = {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {"CidrBlock": f"{cidr}.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True},
        },
        "Igw": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Igw")},
        },
        "PublicTable": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}},
        "PublicRoute": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": ref("PublicTable"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": ref("Igw"),
            },
        },
        "Address": {"Type": "AWS::EC2::EIP", "DependsOn": "Attachment", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "DependsOn": "PublicRoute",
            "Properties": {"SubnetId": ref("Public0"), "AllocationId": att("Address", "AllocationId")},
        },
        "PrivateTable": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}},
        "PrivateRoute": {
            "Type": "AWS::EC2::Route",
            "Properties": {
                "RouteTableId": ref("PrivateTable"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "NatGatewayId": ref("Nat"),
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": ref("Vpc"),
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "RouteTableIds": [ref("PrivateTable")],
            },
        },
    }
    for zone in range(zones):
        for kind, third in (("Public", 200 + zone), ("Private", zone)):
            parts[f"{kind}{zone}"] = {
                "Type": "AWS::EC2::Subnet",
                "Properties": {
                    "VpcId": ref("Vpc"),
                    "CidrBlock": f"{cidr}.{third}.0/24",
                    "AvailabilityZone": {"Fn::Select": [zone, {"Fn::GetAZs": ""}]},
                },
            }
            parts[f"{kind}Association{zone}"] = {
                "Type": "AWS::EC2::SubnetRouteTableAssociation",
                "Properties": {"SubnetId": ref(f"{kind}{zone}"), "RouteTableId": ref(f"{kind}Table")},
            }
    return parts


def outputs(**values: Any) -> dict:
    return {name: {"Value": value} for name, value in values.items()}
