"""What an account is asked before a launch, beside what rehearsal/aws/conformance has."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS

_VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


class AccountFacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.aws = EmbeddedAWS()
        cls.addClassCleanup(cls.aws.stop)

    def refused(self, code: str):
        case = self

        class Refused:
            def __enter__(self) -> None:
                self.expected = case.assertRaises(ClientError)
                self.caught = self.expected.__enter__()

            def __exit__(self, *error: object) -> bool:
                done = self.expected.__exit__(*error)
                case.assertEqual(self.caught.exception.response["Error"]["Code"], code)
                return bool(done)

        return Refused()

    def test_a_quota_begins_with_the_default_and_grows_on_request(self) -> None:
        quotas = self.aws.client("service-quotas")
        self.assertEqual(quotas.get_service_quota(**_VPCS)["Quota"]["Value"], 5)
        with self.refused("IllegalArgumentException"):
            quotas.request_service_quota_increase(**_VPCS, DesiredValue=5)
        asked = quotas.request_service_quota_increase(**_VPCS, DesiredValue=7)["RequestedQuota"]
        self.assertEqual((asked["DesiredValue"], asked["QuotaName"]), (7, "VPCs per Region"))
        self.assertEqual(quotas.get_service_quota(**_VPCS)["Quota"]["Value"], 7)

    def test_versions_that_are_over_are_shown_on_request(self) -> None:
        eks = self.aws.client("eks")
        usual = eks.describe_cluster_versions()["clusterVersions"]
        every = eks.describe_cluster_versions(includeAll=True)["clusterVersions"]
        over = {version["versionStatus"] for version in every} - {version["versionStatus"] for version in usual}
        self.assertEqual(over, {"UNSUPPORTED"})
        one = eks.describe_cluster_versions(clusterVersions=["1.34"])["clusterVersions"]
        self.assertEqual([version["clusterVersion"] for version in one], ["1.34"])
        self.assertEqual(one[0]["endOfStandardSupportDate"].date().isoformat(), "2026-12-02")

    def test_versions_come_in_pages(self) -> None:
        pages = (
            self.aws.client("eks").get_paginator("describe_cluster_versions").paginate(PaginationConfig={"PageSize": 2})
        )
        found = [[version["clusterVersion"] for version in page["clusterVersions"]] for page in pages]
        self.assertGreater(len(found), 2)
        self.assertEqual({len(page) for page in found[:-1]}, {2})

    def test_versions_are_judged_without_a_resource(self) -> None:
        with self.refused("AccessDeniedException"):
            self.aws.client("eks", self._session("nobody", [])).describe_cluster_versions()

    def _session(self, name: str, statements: list[dict]) -> dict:
        iam = self.aws.client("iam")
        root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(parts.document([root])))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(parts.document(statements)))
        return self.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]


if __name__ == "__main__":
    unittest.main()
