"""OIDC providers, as workspaces of a cluster share them; and the issuers of clusters."""

import json
import unittest

from account import ACCOUNT, REGION, Conformance, caller, client, cluster, fresh, parts, session
from claims import claim

_IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_"
_KEYS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html"
_TYPE = "AWS::IAM::OIDCProvider"
_AUDIENCE = "sts.amazonaws.com"


def provider(**more: object) -> str:
    """A provider for pods' tokens; returns its ARN."""
    url = f"https://{fresh('issuer')}.example.com/id"
    return client("iam").create_open_id_connect_provider(Url=url, ClientIDList=[_AUDIENCE], **more)[
        "OpenIDConnectProviderArn"
    ]


def shown(arn: str) -> dict:
    return client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def tag(key: str, value: str = "x") -> list[dict]:
    return [{"Key": key, "Value": value}]


def allowed(actions: list[str], **condition: dict) -> object:
    """A client that may do this to any provider."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:iam::{ACCOUNT}:oidc-provider/*"}
    if condition:
        statement["Condition"] = condition
    return client("iam", session(caller(p=parts.document([statement]))))


class OidcProviders(Conformance):
    area = "OIDC providers"

    @claim(
        "A list of thumbprints is optional: without one IAM retrieves the thumbprint itself.",
        f"{_IAM}CreateOpenIDConnectProvider.html",
        _TYPE,
        "iam:CreateOpenIDConnectProvider",
    )
    def test_thumbprint(self) -> None:
        self.assertEqual(len(shown(provider())["ThumbprintList"]), 1)

    @claim(
        "With one tag that is invalid, or too many, the whole request fails and nothing is made.",
        f"{_IAM}CreateOpenIDConnectProvider.html",
        _TYPE,
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider",
    )
    def test_all_or_nothing(self) -> None:
        url = f"https://{fresh('issuer')}.example.com/id"
        for tags in ([*tag("good"), *tag("aws:bad")], [one for n in range(51) for one in tag(f"k{n}")]):
            with self.refused("InvalidInput|LimitExceeded"):
                client("iam").create_open_id_connect_provider(Url=url, Tags=tags)
        self.assertNotIn(url.removeprefix("https://"), str(client("iam").list_open_id_connect_providers()))

    @claim(
        "A tag with the key of one that is there takes its place; 50 tags are the most.",
        f"{_IAM}TagOpenIDConnectProvider.html",
        _TYPE,
        "iam:TagOpenIDConnectProvider",
        "iam:GetOpenIDConnectProvider",
    )
    def test_tag(self) -> None:
        arn = provider(Tags=[one for n in range(50) for one in tag(f"k{n}")])
        client("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tag("k0", "y"))
        self.assertIn({"Key": "k0", "Value": "y"}, shown(arn)["Tags"])
        self.assertEqual(len(shown(arn)["Tags"]), 50)
        with self.refused("LimitExceeded"):
            client("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tag("k50"))

    @claim(
        "Untagging a key that is not there is no error.",
        f"{_IAM}UntagOpenIDConnectProvider.html",
        _TYPE,
        "iam:UntagOpenIDConnectProvider",
    )
    def test_untag(self) -> None:
        arn = provider(Tags=tag("a"))
        client("iam").untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["a", "b"])
        self.assertEqual(shown(arn)["Tags"], [])

    @claim(
        "What is made with tags needs the right to tag too.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_oidc.html",
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider",
    )
    def test_tag_on_creation(self) -> None:
        url = f"https://{fresh('issuer')}.example.com/id"
        with self.refused("AccessDenied", "iam:TagOpenIDConnectProvider"):
            allowed(["iam:CreateOpenIDConnectProvider"]).create_open_id_connect_provider(Url=url, Tags=tag("a"))
        allowed(["iam:CreateOpenIDConnectProvider"]).create_open_id_connect_provider(Url=url)

    @claim(
        "aws:RequestTag limits which tags a provider is made with.",
        _KEYS,
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider",
    )
    def test_request_tag(self) -> None:
        rights = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
        mine = allowed(rights, StringEquals={"aws:RequestTag/made-by": "me"})
        url = f"https://{fresh('issuer')}.example.com/id"
        for tags in ([], tag("made-by", "you")):
            with self.refused("AccessDenied"):
                mine.create_open_id_connect_provider(Url=url, Tags=tags)
        mine.create_open_id_connect_provider(Url=url, Tags=tag("made-by", "me"))

    @claim(
        "aws:ResourceTag limits which providers are tagged, untagged and deleted; aws:TagKeys which tags.",
        _KEYS,
        "iam:TagOpenIDConnectProvider",
        "iam:UntagOpenIDConnectProvider",
        "iam:DeleteOpenIDConnectProvider",
    )
    def test_resource_tag(self) -> None:
        marked, plain = provider(Tags=tag("made-by")), provider(Tags=tag("team"))
        has_mark = {"aws:ResourceTag/made-by": "false"}
        tagger = allowed(
            ["iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"],
            **{"Null": has_mark, "ForAllValues:StringEquals": {"aws:TagKeys": ["used-by"]}},
        )
        deleter = allowed(["iam:DeleteOpenIDConnectProvider"], Null=has_mark)
        for call in (
            lambda: tagger.tag_open_id_connect_provider(OpenIDConnectProviderArn=plain, Tags=tag("used-by")),
            lambda: tagger.tag_open_id_connect_provider(OpenIDConnectProviderArn=marked, Tags=tag("team")),
            lambda: tagger.untag_open_id_connect_provider(OpenIDConnectProviderArn=marked, TagKeys=["made-by"]),
            lambda: deleter.delete_open_id_connect_provider(OpenIDConnectProviderArn=plain),
        ):
            with self.refused("AccessDenied"):
                call()
        tagger.tag_open_id_connect_provider(OpenIDConnectProviderArn=marked, Tags=tag("used-by"))
        tagger.untag_open_id_connect_provider(OpenIDConnectProviderArn=marked, TagKeys=["used-by"])
        deleter.delete_open_id_connect_provider(OpenIDConnectProviderArn=marked)

    @claim(
        "Deleting a provider does not change the roles that trust it.",
        f"{_IAM}DeleteOpenIDConnectProvider.html",
        _TYPE,
        "iam:DeleteOpenIDConnectProvider",
        "iam:ListRoles",
    )
    def test_roles_stay(self) -> None:
        arn = provider()
        trust = {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity"}
        role = caller(trust=parts.document([trust])).rsplit("/", 1)[-1]
        client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        policies = {
            r["RoleName"]: json.dumps(r["AssumeRolePolicyDocument"]) for r in client("iam").list_roles()["Roles"]
        }
        self.assertIn(f'"{arn}"', policies[role])

    @claim(
        "A cluster's issuer is https://oidc.eks.REGION.amazonaws.com/id/ID.",
        "https://docs.aws.amazon.com/eks/latest/userguide/irsa-fetch-keys.html",
        "AWS::EKS::Cluster",
    )
    def test_issuer(self) -> None:
        self.assertRegex(
            cluster()["identity"]["oidc"]["issuer"], rf"^https://oidc\.eks\.{REGION}\.amazonaws\.com/id/[0-9A-F]{{28,32}}$"
        )

    @claim(
        "A cluster's security group lets itself in, and everything out.",
        "https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html",
        "AWS::EKS::Cluster",
        "ec2:DescribeSecurityGroupRules",
    )
    def test_security_group(self) -> None:
        group = cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"]
        rules = client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        found = [
            (r["IsEgress"], r["IpProtocol"], r.get("CidrIpv4") or r["ReferencedGroupInfo"]["GroupId"])
            for r in rules["SecurityGroupRules"]
        ]
        self.assertIn((False, "-1", group), found)
        self.assertIn((True, "-1", "0.0.0.0/0"), found)


if __name__ == "__main__":
    unittest.main()
