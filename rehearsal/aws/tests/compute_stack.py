"""A network with a cluster, node roles and an interruption queue, for the tests of the compute side."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import parts
from cluster_api import ClusterAPI
from embedded import POLL_SECONDS, EmbeddedAWS
from parts import att, ref

CLUSTER = "demo"
VERSION = "1.35"
_WAIT_SECONDS = 120.0
_EVENTS = (
    ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    ("aws.ec2", "EC2 Instance State-change Notification"),
    ("aws.health", "AWS Health Event"),
)
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")


def template(**more: dict) -> dict[str, Any]:
    """The stack's template; more: other resources."""
    rules = {
        f"Rule{number}": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [source], "detail-type": [kind]},
                "Targets": [{"Id": "queue", "Arn": att("Queue", "Arn")}],
            },
        }
        for number, (source, kind) in enumerate(_EVENTS)
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": att("Queue", "Arn"),
    }
    return {
        "Resources": {
            **parts.network(),
            **rules,
            "ClusterRole": parts.role("eks.amazonaws.com"),
            "NodeRole": parts.role(
                "ec2.amazonaws.com",
                RoleName="node",
                ManagedPolicyArns=[f"arn:aws:iam::aws:policy/{name}" for name in _NODE_POLICIES],
            ),
            "Profile": {
                "Type": "AWS::IAM::InstanceProfile",
                "Properties": {"InstanceProfileName": "node", "Roles": [ref("NodeRole")]},
            },
            "Cluster": {
                "Type": "AWS::EKS::Cluster",
                "Properties": {
                    "Name": CLUSTER,
                    "Version": VERSION,
                    "RoleArn": att("ClusterRole", "Arn"),
                    "ResourcesVpcConfig": {"SubnetIds": [ref("Private0"), ref("Private1")]},
                    "AccessConfig": {"AuthenticationMode": "API"},
                },
            },
            "NodeAccess": {
                "Type": "AWS::EKS::AccessEntry",
                "Properties": {
                    "ClusterName": ref("Cluster"),
                    "PrincipalArn": att("NodeRole", "Arn"),
                    "Type": "EC2_LINUX",
                },
            },
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": CLUSTER}},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Queues": [ref("Queue")], "PolicyDocument": parts.document([statement])},
            },
            **more,
        },
        "Outputs": parts.outputs(
            Private0=ref("Private0"),
            Private1=ref("Private1"),
            Group=att("Cluster", "ClusterSecurityGroupId"),
            Queue=ref("Queue"),
        ),
    }


def cluster_api(aws: EmbeddedAWS) -> ClusterAPI:
    """The Kubernetes API of the stack's cluster."""
    record = aws.client("eks").describe_cluster(name=CLUSTER)["cluster"]
    return ClusterAPI(record["endpoint"], directory(aws))


def directory(aws: EmbeddedAWS) -> Path:
    """Where the cluster's control plane keeps its files."""
    return next(path for path in aws.state.glob(f"{CLUSTER}-*") if (path / "ready").exists())


def wait(what: str, done: Callable[[], Any], seconds: float = _WAIT_SECONDS) -> Any:
    """Wait until done() is true; returns what it returned. what: the words of the failure."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := done():
            return found
        time.sleep(POLL_SECONDS * 2)
    raise AssertionError(f"waited in vain: {what}")
