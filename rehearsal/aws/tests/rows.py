"""Tables of calls: a role that has just a row's statements makes the row's call, and is refused what the row says."""

import json
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import parts
from botocore.exceptions import ClientError
from embedded import REGION, EmbeddedAWS

ACCOUNT = "000000000000"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

Statement = dict[str, Any]


def allow(actions: str | list[str], resources: str | list[str] = "*", **conditions: dict) -> Statement:
    """A statement; conditions are by operator, such as StringEquals={...} or ForAllValues_StringEquals={...}."""
    return _statement("Allow", actions, resources, conditions)


def deny(actions: str | list[str], resources: str | list[str] = "*", **conditions: dict) -> Statement:
    """The same, against."""
    return _statement("Deny", actions, resources, conditions)


def _statement(effect: str, actions: str | list[str], resources: str | list[str], conditions: dict) -> Statement:
    found = {"Effect": effect, "Action": actions, "Resource": resources}
    return {**found, "Condition": {k.replace("_", ":"): v for k, v in conditions.items()}} if conditions else found


def tags(**given: str) -> list[dict]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in given.items()]


def of_type(kind: str, **given: str) -> dict:
    """A tag specification of EC2."""
    return {"ResourceType": kind, "Tags": tags(**given)}


@dataclass(frozen=True)
class Row:
    """A role's statements, a call, and what it is refused: "" for nothing, else "ACTION RESOURCE"."""

    name: str
    statements: list[Statement]
    call: str
    arguments: dict[str, Any]
    refused: str = ""


class World:
    """An embedded AWS, with the ids of what is in it by name: texts of rows have them as {name}."""

    def __init__(self) -> None:
        self.aws = EmbeddedAWS()
        self.ids: dict[str, str] = {}
        self._roles = 0

    def principal(self, statements: list[Statement]) -> dict[str, str]:
        """The credentials of a new role with these statements, and nothing else."""
        self._roles += 1
        iam = self.aws.client("iam")
        trust = parts.document([{"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "sts:AssumeRole"}])
        name = f"row-{self._roles}"
        role = iam.create_role(RoleName=name, Path="/rows/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if statements:
            document = parts.document(self.filled(statements))
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
        return self.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="row")["Credentials"]

    def filled(self, value: Any) -> Any:
        """A value with {vpc} and the like as the ids of this world."""
        if isinstance(value, str):
            for name, identity in self.ids.items():
                value = value.replace(f"{{{name}}}", identity)
            return value
        if isinstance(value, dict):
            return {self.filled(name): self.filled(member) for name, member in value.items()}
        return [self.filled(member) for member in value] if isinstance(value, list) else value


class Table(unittest.TestCase):
    """Rows of a table, each a test of its own."""

    world: ClassVar[World]

    def judge(self, rows: list[Row]) -> None:
        """Make each row's call, and look at what it was refused."""
        for row in rows:
            with self.subTest(row.name):
                service, method = row.call.split(".")
                client = self.world.aws.client(service, self.world.principal(row.statements))
                refused = self.refusal(lambda: getattr(client, method)(**self.world.filled(row.arguments)))  # noqa: B023
                if not row.refused:
                    self.assertEqual(refused, "")
                    continue
                action, _, resource = self.world.filled(row.refused).partition(" ")
                where = f" on resource: {resource} " if resource else " because "
                self.assertIn(f"is not authorized to perform: {action}{where}", refused)

    def refusal(self, call: Callable[[], object]) -> str:
        """What IAM said against the call; empty when it was allowed, whatever else went wrong."""
        try:
            call()
        except ClientError as problem:
            return str(problem) if problem.response["Error"]["Code"] in DENIED else ""
        return ""
