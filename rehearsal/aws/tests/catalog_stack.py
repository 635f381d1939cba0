"""A small catalog: a product that makes a queue, its launch role, and who may launch it."""

import json
import time
from typing import Any

import parts
from embedded import EmbeddedAWS

ACCOUNT = "000000000000"
QUEUE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Size": {"Type": "String", "Default": "small"}, "Owner": {"Type": "String", "Default": "us"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "size", "Value": {"Ref": "Size"}}]}}
    },
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
}
RULES = {
    "OwnerIsUs": {
        "Assertions": [
            {"Assert": {"Fn::Equals": [{"Ref": "Owner"}, "us"]}, "AssertDescription": "Owner must be 'us'."},
        ]
    }
}
# What AWSServiceCatalogEndUserFullAccess allows of Service Catalog.
END_USER = parts.document(
    [
        {
            "Effect": "Allow",
            "Action": [
                "servicecatalog:DescribeProduct",
                "servicecatalog:DescribeProvisioningParameters",
                "servicecatalog:ListLaunchPaths",
                "servicecatalog:ProvisionProduct",
                "servicecatalog:SearchProducts",
            ],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": [
                "servicecatalog:DescribeProvisionedProduct",
                "servicecatalog:DescribeRecord",
                "servicecatalog:TerminateProvisionedProduct",
                "servicecatalog:UpdateProvisionedProduct",
            ],
            "Resource": "*",
            "Condition": {"StringEquals": {"servicecatalog:userLevel": "self"}},
        },
    ]
)
READ_COPY = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "*",
    "Condition": {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
}


def launch_role(trusted: str = "servicecatalog.amazonaws.com", own: list[dict] | None = None) -> dict:
    """A role that may launch the product, unless its statements are given."""
    stack = f"arn:aws:cloudformation:*:{ACCOUNT}:stack/SC-*"
    statements = own or [
        {"Effect": "Allow", "Action": "cloudformation:*", "Resource": stack},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": f"arn:aws:sqs:*:{ACCOUNT}:SC-*"},
        READ_COPY,
    ]
    role = parts.role(trusted, Path="/catalog/")
    role["Properties"]["Policies"] = [{"PolicyName": "own", "PolicyDocument": parts.document(statements)}]
    return role


def template(principal: str, role: dict | None = None, **more: Any) -> dict:
    """The catalog's own template."""
    kind, at = "AWS::ServiceCatalog::", {"PortfolioId": parts.ref("Portfolio"), "ProductId": parts.ref("Product")}
    url = "https://s3.us-east-1.amazonaws.com/versions/queue.json"
    resources = {
        "Portfolio": {"Type": f"{kind}Portfolio", "Properties": {"DisplayName": "ours", "ProviderName": "us"}},
        "Product": {
            "Type": f"{kind}CloudFormationProduct",
            "Properties": {
                "Name": "queue",
                "Owner": "us",
                "ProvisioningArtifactParameters": [{"Name": "v1", "Info": {"LoadTemplateFromURL": url}}],
            },
        },
        "Member": {"Type": f"{kind}PortfolioProductAssociation", "Properties": at},
        "Answers": {
            "Type": f"{kind}LaunchTemplateConstraint",
            "DependsOn": "Member",
            "Properties": {**at, "Rules": json.dumps(RULES)},
        },
        "Launch": {
            "Type": f"{kind}LaunchRoleConstraint",
            "DependsOn": "Member",
            "Properties": {**at, "RoleArn": parts.att("Role", "Arn")},
        },
        "Principal": {
            "Type": f"{kind}PortfolioPrincipalAssociation",
            "Properties": {"PortfolioId": at["PortfolioId"], "PrincipalARN": principal, "PrincipalType": "IAM"},
        },
        "Tag": {"Type": f"{kind}TagOption", "Properties": {"Key": "team", "Value": "data", "Active": True}},
        "Tagged": {
            "Type": f"{kind}TagOptionAssociation",
            "Properties": {"ResourceId": at["PortfolioId"], "TagOptionId": parts.ref("Tag")},
        },
        "Role": role or launch_role(),
        **more,
    }
    return {"Resources": resources, "Outputs": {"Product": {"Value": parts.ref("Product")}}}


def publish(aws: EmbeddedAWS) -> None:
    """Put the product's template into its bucket."""
    aws.client("s3").create_bucket(Bucket="versions")
    aws.client("s3").put_object(Bucket="versions", Key="queue.json", Body=json.dumps(QUEUE).encode())


def user(aws: EmbeddedAWS, name: str, document: dict | None = None) -> tuple[str, Any]:
    """A user's ARN, and his client of Service Catalog; he has an end user's rights."""
    iam = aws.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="end-user", PolicyDocument=json.dumps(document or END_USER))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, aws.client("servicecatalog", {k: key[k] for k in ("AccessKeyId", "SecretAccessKey")})


def finished(catalog: Any, started: dict) -> dict:
    """DescribeRecord's answer, once nothing is in progress."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = catalog.describe_record(Id=started["RecordDetail"]["RecordId"])
        if found["RecordDetail"]["Status"] in ("SUCCEEDED", "FAILED"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"still in progress: {found}")


def provision(catalog: Any, product: str, name: str, tags: dict | None = None, **answers: str) -> dict:
    """ProvisionProduct of its first version, to the end."""
    started = catalog.provision_product(
        ProductId=product,
        ProvisioningArtifactName="v1",
        ProvisionedProductName=name,
        ProvisionToken=name,
        ProvisioningParameters=[{"Key": k, "Value": v} for k, v in answers.items()],
        Tags=[{"Key": k, "Value": v} for k, v in (tags or {}).items()],
    )
    return finished(catalog, started)
