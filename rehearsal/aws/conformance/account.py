"""The account that the checks run in: one embedded AWS for all of them, started at the first use."""

import atexit
import contextlib
import itertools
import json
import sys
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

import parts
from embedded import LOCALKUBE, NO_LOCALKUBE, REGION, EmbeddedAWS

ACCOUNT = "000000000000"
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05

_numbers = itertools.count(1)
_running: list[EmbeddedAWS] = []


def aws() -> EmbeddedAWS:
    """The embedded AWS; it ends with the process."""
    if not _running:
        _running.append(EmbeddedAWS())
        atexit.register(_running[0].stop)
    return _running[0]


def client(service: str, credentials: dict | None = None) -> Any:
    """A client as the account's root, or with the credentials of a session."""
    return aws().client(service, credentials)


def fresh(prefix: str) -> str:
    """A name that nothing else in this account has."""
    return f"{prefix}-{next(_numbers)}"


def eventually(fact: Callable[[], Any]) -> Any:
    """Wait until fact() is true and return it; what AWS does after its answer."""
    until = time.monotonic() + WAIT_SECONDS
    while not (found := fact()):
        if time.monotonic() > until:
            raise AssertionError(f"still {found!r} after {WAIT_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return found


def caller(*, boundary: str = "", trust: dict | None = None, path: str = "/", **policies: dict) -> str:
    """A role that this account's principals may assume, with these inline policies; returns its ARN."""
    iam, name = client("iam"), fresh("caller")
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    more = {"PermissionsBoundary": boundary} if boundary else {}
    role = iam.create_role(
        RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust or parts.document([root])), **more
    )["Role"]
    for policy, document in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    return role["Arn"]


def session(role_arn: str, **more: Any) -> dict:
    """The credentials of a session of the role."""
    return client("sts").assume_role(RoleArn=role_arn, RoleSessionName="check", **more)["Credentials"]


def service_role(service: str, *managed: str) -> str:
    """A role for an AWS service; returns its ARN."""
    iam, name = client("iam"), fresh("service")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(parts.trust(service)))["Role"]
    for policy in managed:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return role["Arn"]


class Conformance(unittest.TestCase):
    """A class of checks; area is its heading in docs/conformance.md."""

    area = ""
    maxDiff = None

    @contextlib.contextmanager
    def refused(self, code: str, text: str = "") -> Iterator[None]:
        """AWS answers with this error code (a regular expression) and a message in which text is found."""
        with self.assertRaises(ClientError) as raised:
            yield
        error = raised.exception.response["Error"]
        self.assertRegex(error["Code"], f"^(?:{code})$", error["Message"])
        if text:
            self.assertRegex(error["Message"], text)

    def stack(self, resources: dict, **more: Any) -> str:
        """Create a stack and return its name; the stack is deleted after the check, if it can be."""
        name = fresh("stack")
        arguments = {key: more.pop(key) for key in list(more) if key[0].isupper() and key not in _SECTIONS}
        self.addCleanup(_tidy, name)
        aws().deploy(name, {"Resources": resources, **more}, **arguments)
        return name

    def refuses(self, resources: dict, text: str, **more: Any) -> None:
        """The template is refused, or its stack is rolled back, with a reason in which text is found."""
        try:
            name = self.stack(resources, **more)
        except ClientError as refused:
            self.assertEqual(refused.response["Error"]["Code"], "ValidationError")
            self.assertRegex(refused.response["Error"]["Message"], text)
            return
        self.failed(name, text)

    def update(self, name: str, resources: dict, **more: Any) -> str:
        """Update a stack and return its status."""
        arguments = {key: more.pop(key) for key in list(more) if key[0].isupper() and key not in _SECTIONS}
        return aws().deploy(name, {"Resources": resources, **more}, **arguments)

    def holds(self, name: str, status: str = "CREATE_COMPLETE") -> None:
        """The stack has this status."""
        self.assertEqual(aws().status(name), status, aws().reasons(name))

    def failed(self, name: str, text: str, status: str = "ROLLBACK_COMPLETE") -> None:
        """The stack has this status and a reason in which text is found."""
        self.holds(name, status)
        self.assertRegex(aws().reasons(name), text)


def _tidy(stack: str) -> None:
    """Delete what a check leaves; a stack that cannot be deleted is of no further concern."""
    with contextlib.suppress(ClientError, AssertionError):
        aws().delete(stack)


# What is a section of a template, not an argument of CreateStack, among stack()'s arguments.
_SECTIONS = {"Conditions", "Mappings", "Metadata", "Outputs", "Rules", "Transform", "Description", "Parameters"}


def vpc(cidr: str = "10.0.0.0/16") -> str:
    """A VPC; returns its id."""
    return client("ec2").create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]


def subnet(vpc_id: str, cidr: str = "10.0.0.0/24", zone: str = "a") -> str:
    """A subnet; returns its id."""
    made = client("ec2").create_subnet(VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
    return made["Subnet"]["SubnetId"]


_cluster: list[dict] = []


def cluster() -> dict:
    """A cluster for all checks, in the mode API_AND_CONFIG_MAP; without the embedded EKS the check is skipped."""
    if not LOCALKUBE:
        raise unittest.SkipTest(NO_LOCALKUBE)
    if not _cluster:
        _cluster.append(new_cluster())
    return client("eks").describe_cluster(name=_cluster[0]["name"])["cluster"]


def cluster_request(mode: str = "API_AND_CONFIG_MAP", **more: Any) -> dict:
    """A request for CreateCluster, with a network and a role of its own."""
    network = vpc()
    subnets = [subnet(network, "10.0.0.0/24", "a"), subnet(network, "10.0.1.0/24", "b")]
    return {
        "name": fresh("cluster"),
        "roleArn": service_role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        "resourcesVpcConfig": {"subnetIds": subnets, "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": False},
        "version": "1.35",
        **more,
    }


def new_cluster(mode: str = "API_AND_CONFIG_MAP", **more: Any) -> dict:
    """A cluster of one check, ACTIVE."""
    if not LOCALKUBE:
        raise unittest.SkipTest(NO_LOCALKUBE)
    request = cluster_request(mode, **more)
    client("eks").create_cluster(**request)
    return active_cluster(request["name"])


def active_cluster(name: str) -> dict:
    """Wait until the cluster is ACTIVE and return it."""
    describe = client("eks").describe_cluster

    def active() -> dict | None:
        found = describe(name=name)["cluster"]
        return found if found["status"] == "ACTIVE" else None

    return eventually(active)
