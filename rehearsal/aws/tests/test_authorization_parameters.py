"""Requests of the real SDK, read back: what was asked for is what IAM judges."""

import sys
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import contextlib

from plugin.authorization import parameters

TAGS = [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]
ROLE = "arn:aws:iam::000000000000:role/path/x"

# service of the SDK, MiniStack's name of it, method of the client, its arguments
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "ec2",
        "ec2",
        "run_instances",
        {
            "MinCount": 1,
            "MaxCount": 2,
            "LaunchTemplate": {"LaunchTemplateName": "workers", "Version": "$Latest"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
            "SecurityGroupIds": ["sg-1", "sg-2"],
            "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-2"], "AssociatePublicIpAddress": True}],
            "BlockDeviceMappings": [{"DeviceName": "x", "Ebs": {"VolumeSize": 3, "Encrypted": True}}],
            "IamInstanceProfile": {"Name": "workers"},
            "ClientToken": "given",
        },
    ),
    (
        "ec2",
        "ec2",
        "create_fleet",
        {
            "Type": "instant",
            "TargetCapacitySpecification": {"TotalTargetCapacity": 1},
            "LaunchTemplateConfigs": [
                {
                    "LaunchTemplateSpecification": {"LaunchTemplateName": "workers", "Version": "1"},
                    "Overrides": [{"InstanceType": "m7g.large", "SubnetId": "subnet-1"}],
                }
            ],
        },
    ),
    ("ec2", "ec2", "create_tags", {"Resources": ["i-1", "vol-2"], "Tags": TAGS}),
    ("ec2", "ec2", "revoke_security_group_ingress", {"GroupId": "sg-1", "SecurityGroupRuleIds": ["sgr-1"]}),
    ("iam", "iam", "create_role", {"RoleName": "x", "Path": "/p/", "AssumeRolePolicyDocument": "{}", "Tags": TAGS}),
    ("eks", "eks", "create_access_entry", {"clusterName": "c", "principalArn": ROLE, "tags": {"a": "b"}}),
    ("eks", "eks", "describe_access_entry", {"clusterName": "c", "principalArn": ROLE}),
    ("eks", "eks", "untag_resource", {"resourceArn": "arn:aws:eks:us-east-1:1:cluster/c", "tagKeys": ["a"]}),
    (
        "eks",
        "eks",
        "associate_access_policy",
        {
            "clusterName": "c",
            "principalArn": ROLE,
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["a", "b"]},
        },
    ),
    (
        "elbv2",
        "elasticloadbalancing",
        "create_load_balancer",
        {"Name": "x", "Subnets": ["subnet-1", "subnet-2"], "Tags": TAGS},
    ),
    ("sqs", "sqs", "send_message", {"QueueUrl": "https://127.0.0.1:1/000000000000/q", "MessageBody": "x"}),
    (
        "lambda",
        "lambda",
        "add_permission",
        {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "p"},
    ),
    ("lambda", "lambda", "list_tags", {"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f"}),
    ("lambda", "lambda", "get_function_configuration", {"FunctionName": "f", "Qualifier": "live"}),
    (
        "cloudformation",
        "cloudformation",
        "create_stack",
        {"StackName": "s", "TemplateURL": "https://x/y", "RoleARN": ROLE, "Tags": TAGS, "ResourceTypes": ["AWS::*"]},
    ),
    ("events", "events", "put_targets", {"Rule": "r", "Targets": [{"Id": "a", "Arn": "b", "RoleArn": ROLE}]}),
    ("ssm", "ssm", "get_parameters", {"Names": ["/a/b", "c"]}),
    ("sts", "sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "me", "ExternalId": "id", "Tags": TAGS}),
    ("sns", "sns", "create_topic", {"Name": "t", "Attributes": {"a": "b"}}),
    ("kms", "kms", "create_grant", {"KeyId": "alias/x", "GranteePrincipal": ROLE, "Operations": ["Decrypt"]}),
    ("pricing", "pricing", "get_products", {"ServiceCode": "AmazonEC2"}),
]


class _Sent(Exception):
    pass


def sent(service: str, ministack: str, method: str, arguments: dict[str, Any]) -> parameters.Request:
    """The request that the SDK would send."""
    client = botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    caught = []

    def catch(request: Any, **_: Any) -> None:
        caught.append(request)
        raise _Sent

    client.meta.events.register("before-send.*", catch)
    with contextlib.suppress(_Sent):
        getattr(client, method)(**arguments)
    request = caught[0]
    address = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    params: dict[str, Any] = parse_qs(address.query, keep_blank_values=True)
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        params |= parse_qs(body.decode(), keep_blank_values=True)
    return parameters.Request(ministack, request.method, unquote(address.path), headers, body, params)


class Parameters(unittest.TestCase):
    def test_every_protocol_is_read_as_the_sdk_was_called(self) -> None:
        for service, ministack, method, arguments in CALLS:
            with self.subTest(f"{service} {method}"):
                operation, found = parameters.read(sent(service, ministack, method, arguments))
                self.assertEqual(operation.lower(), method.replace("_", ""))
                # The SDK adds these by itself.
                made = {name for name in found if name.lower() in ("clienttoken", "clientrequesttoken")} - set(
                    arguments
                )
                self.assertEqual({name: value for name, value in found.items() if name not in made}, arguments)

    def test_what_is_not_modelled_has_no_parameters(self) -> None:
        request = parameters.Request("ec2", "POST", "/", {}, b"", {"Action": ["Invented"], "X": ["y"]})
        self.assertEqual(parameters.read(request), ("Invented", {}))
        self.assertEqual(parameters.read(parameters.Request("nothing", "GET", "/", {}, b"", {})), ("", {}))
