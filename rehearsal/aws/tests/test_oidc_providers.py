"""OIDC providers: tags, audiences and thumbprints, what is refused, and who may do what to them."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS

ACCOUNT = "000000000000"
HOST = "oidc.eks.us-east-1.amazonaws.com"
OWN, OTHER = "aaaaaaaa-0000", "bbbbbbbb-0000"
MADE, USED = "quickstart.e6data.com/made-by", f"quickstart.e6data.com/used-by/{OWN}"
CALLER = parts.document(
    [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]
)

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


def tags(**named: str) -> list[dict]:
    return [{"Key": key, "Value": value} for key, value in named.items()]


class Providers(unittest.TestCase):
    def setUp(self) -> None:
        self.iam = aws.client("iam")
        self.url = f"https://{HOST}/id/{self._testMethodName.upper()}"
        self.arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.url.removeprefix('https://')}"

    def make(self, **more: object) -> None:
        made = self.iam.create_open_id_connect_provider(Url=self.url, ClientIDList=["sts.amazonaws.com"], **more)
        self.assertEqual(made["OpenIDConnectProviderArn"], self.arn)
        self.addCleanup(self._remove)

    def _remove(self) -> None:
        try:
            self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=self.arn)
        except ClientError as gone:
            self.assertEqual(gone.response["Error"]["Code"], "NoSuchEntity")

    def shown(self) -> dict:
        found = self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=self.arn)
        listed = self.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=self.arn)
        self.assertEqual(found["Tags"], listed["Tags"])
        return found

    def tagged(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.shown()["Tags"]}

    def assert_code(self, code: str, call: object, **arguments: object) -> None:
        with self.assertRaises(ClientError) as refused:
            call(**arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code, refused.exception)

    def test_tags_come_and_go(self) -> None:
        self.make(Tags=tags(team="data", stage="test"))
        self.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=self.arn, Tags=tags(stage="live", more=""))
        self.assertEqual(self.tagged(), {"team": "data", "stage": "live", "more": ""})
        self.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=self.arn, TagKeys=["stage", "none"])
        self.assertEqual(self.tagged(), {"team": "data", "more": ""})

    def test_thumbprint_is_optional(self) -> None:
        self.make()
        self.assertEqual(len(self.shown()["ThumbprintList"]), 1)
        self.iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=self.arn, ThumbprintList=["a" * 40, "b" * 40]
        )
        self.assertEqual(self.shown()["ThumbprintList"], ["a" * 40, "b" * 40])

    def test_audiences_come_and_go(self) -> None:
        self.make()
        for audience in ("other", "other", "third"):
            self.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=self.arn, ClientID=audience)
        self.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=self.arn, ClientID="third")
        self.assertEqual(self.shown()["ClientIDList"], ["sts.amazonaws.com", "other"])

    def test_what_is_refused(self) -> None:
        many = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
        for code, url, more in (
            ("LimitExceeded", self.url, {"Tags": many}),
            ("InvalidInput", self.url, {"Tags": tags(a="1") * 2}),
            ("InvalidInput", self.url, {"Tags": [{"Key": "aws:x", "Value": ""}]}),
            ("ValidationError", self.url, {"Tags": [{"Key": "a?b", "Value": ""}]}),
            ("ValidationError", self.url, {"ClientIDList": ["x" * 256]}),
            ("LimitExceeded", self.url, {"ClientIDList": [f"a{n}" for n in range(101)]}),
            ("InvalidInput", "http://issuer.example.com/id", {}),
        ):
            with self.subTest(code, **more):
                self.assert_code(code, self.iam.create_open_id_connect_provider, Url=url, **more)
        self.assertNotIn(self.arn, str(self.iam.list_open_id_connect_providers()))

        self.make(Tags=many[:49])
        self.assert_code("EntityAlreadyExists", self.iam.create_open_id_connect_provider, Url=f"{self.url}/")
        tag = self.iam.tag_open_id_connect_provider
        self.assert_code("LimitExceeded", tag, OpenIDConnectProviderArn=self.arn, Tags=many[49:])
        tag(OpenIDConnectProviderArn=self.arn, Tags=many[48:50])
        self.assertEqual(len(self.tagged()), 50)
        self.assert_code("NoSuchEntity", tag, OpenIDConnectProviderArn=f"{self.arn}x", Tags=many[:1])

    def test_quota(self) -> None:
        made = [f"https://issuer{n}.example.com" for n in range(100)]
        try:
            for url in made:
                self.iam.create_open_id_connect_provider(Url=url)
            self.assert_code("LimitExceeded", self.iam.create_open_id_connect_provider, Url=self.url)
        finally:
            for listed in self.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
                self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=listed["Arn"])

    def as_sharer(self) -> object:
        """A client with the rights of a stack that shares providers of EKS's issuers."""
        arns = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}/id/*"
        made = {"Null": {f"aws:ResourceTag/{MADE}": "false"}}
        statements = [
            {"Effect": "Allow", "Action": "iam:GetOpenIDConnectProvider", "Resource": arns},
            {
                "Effect": "Allow",
                "Action": ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"],
                "Resource": arns,
                "Condition": {"StringEquals": {f"aws:RequestTag/{MADE}": OWN}},
            },
            {
                "Effect": "Allow",
                "Action": ["iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"],
                "Resource": arns,
                "Condition": {**made, "ForAllValues:StringEquals": {"aws:TagKeys": [USED]}},
            },
            {"Effect": "Allow", "Action": "iam:DeleteOpenIDConnectProvider", "Resource": arns, "Condition": made},
        ]
        role = f"sharer-{self._testMethodName}"
        self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(CALLER))
        self.iam.put_role_policy(
            RoleName=role, PolicyName="p", PolicyDocument=json.dumps(parts.document(statements))
        )
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        return aws.client("iam", aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="t1")["Credentials"])

    def test_rights_by_the_marks(self) -> None:
        mine, arn = self.as_sharer(), {"OpenIDConnectProviderArn": self.arn}
        denied = "AccessDenied"
        create, own = mine.create_open_id_connect_provider, [{"Key": MADE, "Value": OWN}]
        self.assert_code(denied, create, Url=self.url)
        self.assert_code(denied, create, Url=self.url, Tags=[{"Key": MADE, "Value": OTHER}])
        self.assert_code(denied, create, Url="https://issuer.example.com/id/X", Tags=own)

        self.make(Tags=tags(team="data"))  # the customer's
        mine.get_open_id_connect_provider(**arn)
        self.assert_code(denied, mine.tag_open_id_connect_provider, **arn, Tags=[{"Key": USED, "Value": "w"}])
        self.assert_code(denied, mine.untag_open_id_connect_provider, **arn, TagKeys=["team"])
        self.assert_code(denied, mine.delete_open_id_connect_provider, **arn)
        self.assert_code(
            denied, mine.add_client_id_to_open_id_connect_provider, **arn, ClientID="sts.amazonaws.com"
        )
        self.iam.delete_open_id_connect_provider(**arn)

        create(Url=self.url, ClientIDList=["sts.amazonaws.com"], Tags=own)
        mine.tag_open_id_connect_provider(**arn, Tags=[{"Key": USED, "Value": "w"}])
        self.assert_code(denied, mine.tag_open_id_connect_provider, **arn, Tags=tags(team="data"))
        mine.untag_open_id_connect_provider(**arn, TagKeys=[USED])
        self.assert_code(denied, mine.untag_open_id_connect_provider, **arn, TagKeys=[MADE])
        mine.delete_open_id_connect_provider(**arn)
        self.assert_code("NoSuchEntity", self.iam.get_open_id_connect_provider, **arn)


if __name__ == "__main__":
    unittest.main()
