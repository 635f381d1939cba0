"""Service Catalog, beside what rehearsal/aws/conformance has."""

import unittest

import catalog_stack
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS


class ServiceCatalog(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.aws = EmbeddedAWS()
        cls.addClassCleanup(cls.aws.stop)
        catalog_stack.publish(cls.aws)
        cls.arn, cls.catalog = catalog_stack.user(cls.aws, "analyst")
        status = cls.aws.deploy("catalog", catalog_stack.template(cls.arn))
        assert status == "CREATE_COMPLETE", cls.aws.reasons("catalog")
        cls.product = cls.aws.outputs("catalog")["Product"]

    def refused(self, code: str, call, **arguments: object) -> None:
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def test_a_product_lives_and_ends(self) -> None:
        catalog = self.catalog
        self.assertEqual([p["Name"] for p in catalog.search_products()["ProductViewSummaries"]], ["queue"])
        self.assertEqual(catalog.describe_product(Id=self.product)["ProvisioningArtifacts"][0]["Name"], "v1")
        kinds = [
            c["Type"]
            for c in catalog.list_launch_paths(ProductId=self.product)["LaunchPathSummaries"][0]["ConstraintSummaries"]
        ]
        self.assertEqual(kinds, ["LAUNCH", "TEMPLATE"])
        asked = catalog.describe_provisioning_parameters(ProductId=self.product, ProvisioningArtifactName="v1")
        self.assertEqual({p["ParameterKey"] for p in asked["ProvisioningArtifactParameters"]}, {"Size", "Owner"})

        made = catalog_stack.provision(catalog, self.product, "mine", {"purpose": "test"}, Size="big")
        self.assertEqual(made["RecordDetail"]["Status"], "SUCCEEDED", made)
        outputs = {o["OutputKey"]: o["OutputValue"] for o in made["RecordOutputs"]}
        identifier = made["RecordDetail"]["ProvisionedProductId"]
        name = f"SC-{catalog_stack.ACCOUNT}-{identifier}"
        self.assertIn(f":stack/{name}/", outputs["CloudformationStackARN"])
        self.assertIn("Url", outputs)
        stack = self.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        tags = {t["Key"]: t["Value"] for t in stack["Tags"]}
        self.assertEqual((tags["team"], tags["purpose"]), ("data", "test"))
        self.assertEqual(tags["aws:servicecatalog:provisioningPrincipalArn"], self.arn)

        changed = catalog_stack.finished(
            catalog,
            catalog.update_provisioned_product(
                ProvisionedProductId=identifier,
                ProvisioningParameters=[{"Key": "Size", "Value": "bigger"}],
                UpdateToken="1",
            ),
        )
        self.assertEqual(changed["RecordDetail"]["Status"], "SUCCEEDED", changed)
        detail = catalog.describe_provisioned_product(Id=identifier)["ProvisionedProductDetail"]
        self.assertEqual(detail["Status"], "AVAILABLE")
        ended = catalog_stack.finished(
            catalog, catalog.terminate_provisioned_product(ProvisionedProductId=identifier, TerminateToken="1")
        )
        self.assertEqual(ended["RecordDetail"]["Status"], "SUCCEEDED", ended)
        self.assertEqual(self.aws.status(name) or "DELETE_COMPLETE", "DELETE_COMPLETE")
        self.refused("ResourceNotFoundException", catalog.describe_provisioned_product, Id=identifier)
        self.assertEqual([b["Name"] for b in self.aws.client("s3").list_buckets()["Buckets"]], ["versions"])
        sessions = {c["principal"] for c in self.aws.calls() if c["action"].startswith("sqs:")}
        self.assertTrue(sessions and all(s.endswith("/servicecatalog") for s in sessions), sessions)

    def test_an_answer_against_a_rule_makes_nothing(self) -> None:
        made = catalog_stack.provision(self.catalog, self.product, "wrong", Owner="them")
        self.assertEqual(made["RecordDetail"]["Status"], "FAILED")
        self.assertIn("Owner must be 'us'.", made["RecordDetail"]["RecordErrors"][0]["Description"])
        identifier = made["RecordDetail"]["ProvisionedProductId"]
        self.assertEqual(self.aws.status(f"SC-{catalog_stack.ACCOUNT}-{identifier}"), "")
        detail = self.catalog.describe_provisioned_product(Id=identifier)["ProvisionedProductDetail"]
        self.assertEqual(detail["Status"], "ERROR")

    def test_a_tag_option_with_one_value_is_not_overruled(self) -> None:
        made = catalog_stack.provision(self.catalog, self.product, "tagged", {"team": "mine"})
        self.assertEqual(made["RecordDetail"]["Status"], "FAILED")

    def test_a_stranger_sees_and_launches_nothing(self) -> None:
        _, stranger = catalog_stack.user(self.aws, "stranger")
        self.assertEqual(stranger.search_products()["ProductViewSummaries"], [])
        self.refused("ResourceNotFoundException", stranger.describe_product, Id=self.product)
        with self.assertRaises(ClientError) as caught:
            catalog_stack.provision(stranger, self.product, "theirs")
        self.assertEqual(caught.exception.response["Error"]["Code"], "ResourceNotFoundException")
        made = catalog_stack.provision(self.catalog, self.product, "private")
        identifier = made["RecordDetail"]["ProvisionedProductId"]
        self.refused("AccessDeniedException", stranger.describe_record, Id=made["RecordDetail"]["RecordId"])
        self.refused(
            "AccessDeniedException",
            stranger.terminate_provisioned_product,
            ProvisionedProductId=identifier,
            TerminateToken="x",
        )

    def test_a_launch_role_without_a_right_fails_the_launch(self) -> None:
        without = [
            {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"},
            catalog_stack.READ_COPY,
        ]
        arn, catalog = catalog_stack.user(self.aws, "poor")
        self.aws.deploy("poor", catalog_stack.template(arn, catalog_stack.launch_role(own=without)))
        made = catalog_stack.provision(catalog, self.aws.outputs("poor")["Product"], "poor")
        self.assertEqual(made["RecordDetail"]["Status"], "FAILED")
        # The role may not read Service Catalog's copy.
        arn, catalog = catalog_stack.user(self.aws, "blind")
        self.aws.deploy("blind", catalog_stack.template(arn, catalog_stack.launch_role(own=without[:1])))
        made = catalog_stack.provision(catalog, self.aws.outputs("blind")["Product"], "blind")
        self.assertIn("Access Denied", made["RecordDetail"]["RecordErrors"][0]["Description"])
        # It does not trust Service Catalog.
        arn, catalog = catalog_stack.user(self.aws, "distrusted")
        self.aws.deploy("distrusted", catalog_stack.template(arn, catalog_stack.launch_role("lambda.amazonaws.com")))
        made = catalog_stack.provision(catalog, self.aws.outputs("distrusted")["Product"], "distrusted")
        self.assertIn("sts:AssumeRole", made["RecordDetail"]["RecordErrors"][0]["Description"])

    def test_a_catalog_goes_as_it_came(self) -> None:
        arn, _ = catalog_stack.user(self.aws, "brief")
        self.assertEqual(self.aws.deploy("brief", catalog_stack.template(arn)), "CREATE_COMPLETE")
        self.assertEqual(self.aws.delete("brief"), "DELETE_COMPLETE", self.aws.reasons("brief"))


if __name__ == "__main__":
    unittest.main()
