"""SimulatePrincipalPolicy: what it says of a role is what the role's calls meet."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import REGION, EmbeddedAWS
from rows import ACCOUNT, IAM, allow, deny

OURS, THEIRS = "arn:aws:s3:::ours/a", "arn:aws:s3:::theirs/a"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/e6data-a/1"


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


class Simulation(unittest.TestCase):
    def role(self, name: str, statements: list[dict], **more: str) -> str:
        iam = aws.client("iam")
        trust = parts.document([{"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "sts:AssumeRole"}])
        made = iam.create_role(RoleName=name, Path="/x/", AssumeRolePolicyDocument=json.dumps(trust), **more)
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(parts.document(statements)))
        return made["Role"]["Arn"]

    def decision(self, role: str, action: str, resource: str, **keys: str | list[str]) -> str:
        entries = [
            {
                "ContextKeyName": name.replace("__", "/").replace("_", ":", 1),
                "ContextKeyType": "stringList" if isinstance(value, list) else "string",
                "ContextKeyValues": value if isinstance(value, list) else [value],
            }
            for name, value in keys.items()
        ]
        answer = aws.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
        )
        (result,) = answer["EvaluationResults"]
        self.assertEqual((result["EvalActionName"], result["EvalResourceName"]), (action, resource))
        return result["EvalDecision"]

    def test_decisions(self) -> None:
        role = self.role(
            "plain",
            [
                allow("s3:GetObject", "arn:aws:s3:::ours/*"),
                deny("s3:GetObject", "arn:aws:s3:::ours/secret/*"),
                allow("ec2:DescribeSubnets", "*", StringEquals={"aws:RequestedRegion": REGION}),
                allow("wafv2:TagResource", "*", StringEquals={"aws:RequestTag/app": "a"}),
            ],
        )
        waf = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/a/1"
        self.assertEqual(self.decision(role, "s3:GetObject", OURS), "allowed")
        self.assertEqual(self.decision(role, "s3:GetObject", "arn:aws:s3:::ours/secret/a"), "explicitDeny")
        self.assertEqual(self.decision(role, "s3:GetObject", THEIRS), "implicitDeny")
        self.assertEqual(self.decision(role, "s3:PutObject", OURS), "implicitDeny")
        self.assertEqual(self.decision(role, "ec2:DescribeSubnets", "*"), "allowed")
        elsewhere = self.decision(role, "ec2:DescribeSubnets", "*", aws_RequestedRegion="eu-west-1")
        self.assertEqual(elsewhere, "implicitDeny")
        self.assertEqual(self.decision(role, "wafv2:TagResource", waf, aws_RequestTag__app="a"), "allowed")
        self.assertEqual(self.decision(role, "wafv2:TagResource", waf, aws_RequestTag__app="b"), "implicitDeny")
        self.assertEqual(self.decision(role, "wafv2:TagResource", waf), "implicitDeny")

    def test_what_cloudformation_asks_for_its_caller_has_keys_of_its_own(self) -> None:
        by = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}}
        role = self.role("through", [allow("s3:GetObject", "*") | {"Condition": by}])
        self.assertEqual(self.decision(role, "s3:GetObject", OURS), "implicitDeny")
        for service, decision in (("athena", "implicitDeny"), ("cloudformation", "allowed")):
            given = self.decision(role, "s3:GetObject", OURS, aws_CalledVia=f"{service}.amazonaws.com")
            self.assertEqual(given, decision)

    def test_the_boundary_and_the_bucket_s_own_policy_count(self) -> None:
        iam, s3 = aws.client("iam"), aws.client("s3")
        document = json.dumps(parts.document([allow("s3:GetObject", "*")]))
        limit = iam.create_policy(PolicyName="limit", PolicyDocument=document)["Policy"]["Arn"]
        role = self.role("bounded", [allow(["s3:GetObject", "s3:PutObject"], "*")], PermissionsBoundary=limit)
        s3.create_bucket(Bucket="closed")
        nobody = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::closed/*"}
        s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(parts.document([nobody])))
        self.assertEqual(self.decision(role, "s3:GetObject", OURS), "allowed")
        self.assertEqual(self.decision(role, "s3:PutObject", OURS), "implicitDeny")
        self.assertEqual(self.decision(role, "s3:GetObject", "arn:aws:s3:::closed/a"), "explicitDeny")

    def test_questions_that_no_call_asks_are_refused(self) -> None:
        role = self.role("asked", [allow("s3:*", "*")])
        for words, action, resource, keys in (
            ("no action", "s3:ListObjects", OURS, {}),
            ("never judged on", "s3:GetObject", "arn:aws:s3:::ours", {}),
            ("never judged on", "s3:GetObject", "*", {}),
            ("never judged on", "ec2:DescribeSubnets", f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-1", {}),
            ("never judged on", "elasticloadbalancing:SetWebAcl", "*", {}),
            ("no request", "s3:GetObject", OURS, {"sts_ExternalId": "x"}),
        ):
            with self.subTest(action=action, resource=resource), self.assertRaisesRegex(ClientError, words):
                self.decision(role, action, resource, **keys)
        self.assertEqual(self.decision(role, "elasticloadbalancing:SetWebAcl", BALANCER), "implicitDeny")

    def test_policies_without_a_role(self) -> None:
        statements = [allow("s3:GetObject", "arn:aws:s3:::ours/*"), deny("s3:GetObject", "arn:aws:s3:::ours/secret/*")]
        for resource, decision in (
            (OURS, "allowed"),
            (THEIRS, "implicitDeny"),
            ("arn:aws:s3:::ours/secret/a", "explicitDeny"),
        ):
            answer = aws.client("iam").simulate_custom_policy(
                PolicyInputList=[json.dumps(parts.document([one])) for one in statements],
                ActionNames=["s3:GetObject"],
                ResourceArns=[resource],
            )
            self.assertEqual([one["EvalDecision"] for one in answer["EvaluationResults"]], [decision])

    def test_an_unknown_role(self) -> None:
        with self.assertRaisesRegex(ClientError, "NoSuchEntity"):
            self.decision(f"{IAM}:role/none", "s3:GetObject", OURS)

    def test_what_it_says_is_what_calls_meet(self) -> None:
        """The same statements, asked and called."""
        role = self.role(
            "both", [allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::real", "arn:aws:s3:::real/a*"])]
        )
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="real")
        for key in ("a", "b"):
            s3.put_object(Bucket="real", Key=key, Body=b"x")
        own = aws.client("s3", aws.client("sts").assume_role(RoleArn=role, RoleSessionName="it")["Credentials"])
        for key, decision in (("a", "allowed"), ("b", "implicitDeny")):
            self.assertEqual(self.decision(role, "s3:GetObject", f"arn:aws:s3:::real/{key}"), decision)
            try:
                own.get_object(Bucket="real", Key=key)
                met = "allowed"
            except ClientError:
                met = "implicitDeny"
            self.assertEqual(met, decision)


if __name__ == "__main__":
    unittest.main()
