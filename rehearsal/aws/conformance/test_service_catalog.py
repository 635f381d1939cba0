"""Service Catalog: who may launch what, with whose rights, and within which limits."""

from typing import Any

from account import Conformance, aws, client, fresh
from claims import claim

import catalog_stack  # isort: skip (account has put its folder on the path)

_GUIDE = "https://docs.aws.amazon.com/servicecatalog/latest/adminguide/"
_API = "https://docs.aws.amazon.com/servicecatalog/latest/dg/"
_LAUNCH = f"{_GUIDE}constraints-launch.html"
_RULES = f"{_GUIDE}reference-template_constraint_rules.html"
_GRANT = f"{_GUIDE}catalogs_portfolios_users.html"
_LEVELS = f"{_GUIDE}permissions-examples.html"
_TAGS = f"{_GUIDE}tagoptions-launching.html"
_AUTO = f"{_GUIDE}autotags.html"
_KIND = "AWS::ServiceCatalog::"
_PROVISION = "servicecatalog:ProvisionProduct"


class ServiceCatalog(Conformance):
    area = "Service Catalog"

    def catalog(self, **more: Any) -> tuple[Any, str, str]:
        """The client of a user of a portfolio of his own, its product, and his ARN."""
        if "versions" not in [b["Name"] for b in client("s3").list_buckets()["Buckets"]]:
            catalog_stack.publish(aws())
        name = fresh("catalog")
        arn, user = catalog_stack.user(aws(), name)
        self.assertEqual(
            aws().deploy(name, catalog_stack.template(arn, **more)), "CREATE_COMPLETE", aws().reasons(name)
        )
        return user, aws().outputs(name)["Product"], arn

    @claim(
        "Users see the products of portfolios that they were given access to, and no others.",
        _GRANT,
        "servicecatalog:SearchProducts",
        f"{_KIND}CloudFormationProduct",
        f"{_KIND}Portfolio",
        f"{_KIND}PortfolioPrincipalAssociation",
        f"{_KIND}PortfolioProductAssociation",
    )
    def test_own_portfolios(self) -> None:
        user, product, _ = self.catalog()
        found = [p["ProductId"] for p in user.search_products()["ProductViewSummaries"]]
        self.assertEqual(found, [product])

    @claim(
        "With a launch constraint the stack is made with the launch role, and users need no rights to its resources.",
        _LAUNCH,
        _PROVISION,
        f"{_KIND}LaunchRoleConstraint",
    )
    def test_launch_role(self) -> None:
        user, product, _ = self.catalog()
        made = catalog_stack.provision(user, product, fresh("queue"))
        self.assertEqual(made["RecordDetail"]["Status"], "SUCCEEDED", made)
        who = {c["principal"] for c in aws().calls() if c["action"] == "sqs:CreateQueue"}
        self.assertTrue(who and all(":assumed-role/" in one for one in who), who)

    @claim("The launch role must trust Service Catalog.", _LAUNCH, _PROVISION)
    def test_trust(self) -> None:
        user, product, _ = self.catalog(role=catalog_stack.launch_role("lambda.amazonaws.com"))
        made = catalog_stack.provision(user, product, fresh("queue"))
        self.assertEqual(made["RecordDetail"]["Status"], "FAILED")

    @claim(
        "The launch role must be able to read the template in the service's own bucket.",
        _LAUNCH,
        _PROVISION,
    )
    def test_copy(self) -> None:
        blind = [{"Effect": "Allow", "Action": ["cloudformation:*", "sqs:*"], "Resource": "*"}]
        user, product, _ = self.catalog(role=catalog_stack.launch_role(own=blind))
        made = catalog_stack.provision(user, product, fresh("queue"))
        self.assertIn("Access Denied", made["RecordDetail"]["RecordErrors"][0]["Description"])

    @claim(
        "A template constraint's rules are checked before resources are made, and say why they refuse.",
        _RULES,
        _PROVISION,
        f"{_KIND}LaunchTemplateConstraint",
    )
    def test_rules(self) -> None:
        user, product, _ = self.catalog()
        made = catalog_stack.provision(user, product, fresh("queue"), Owner="them")
        self.assertIn("Owner must be 'us'.", made["RecordDetail"]["RecordErrors"][0]["Description"])

    @claim(
        "With servicecatalog:userLevel users handle what they launched themselves, and nothing of others.",
        _LEVELS,
        "servicecatalog:DescribeProvisionedProduct",
    )
    def test_levels(self) -> None:
        user, product, _ = self.catalog()
        other, _, _ = self.catalog()
        made = catalog_stack.provision(user, product, fresh("queue"))["RecordDetail"]["ProvisionedProductId"]
        self.assertEqual(user.describe_provisioned_product(Id=made)["ProvisionedProductDetail"]["Status"], "AVAILABLE")
        with self.refused("AccessDeniedException"):
            other.describe_provisioned_product(Id=made)

    @claim(
        "A TagOption whose key is unique becomes a tag of what is launched.",
        _TAGS,
        f"{_KIND}TagOption",
        f"{_KIND}TagOptionAssociation",
    )
    def test_tag_option(self) -> None:
        user, product, _ = self.catalog()
        made = catalog_stack.provision(user, product, fresh("queue"))
        self.assertEqual(self.tags(made)["team"], "data")

    @claim(
        "Service Catalog marks stacks with the ARNs of portfolio, product, provisioned product and principal.",
        _AUTO,
        _PROVISION,
    )
    def test_auto_tags(self) -> None:
        user, product, arn = self.catalog()
        tags = self.tags(catalog_stack.provision(user, product, fresh("queue")))
        self.assertEqual(tags["aws:servicecatalog:provisioningPrincipalArn"], arn)
        self.assertTrue(tags["aws:servicecatalog:productArn"].endswith(f":product/{product}"))
        for key in ("portfolioArn", "provisionedProductArn", "provisioningArtifactIdentifier"):
            self.assertIn(f"aws:servicecatalog:{key}", tags)

    def tags(self, made: dict) -> dict[str, str]:
        outputs = {o["OutputKey"]: o["OutputValue"] for o in made["RecordOutputs"]}
        stack = client("cloudformation").describe_stacks(StackName=outputs["CloudformationStackARN"])["Stacks"][0]
        return {t["Key"]: t["Value"] for t in stack["Tags"]}

    @claim(
        "A request with the token of an earlier one is the same request.",
        f"{_API}API_ProvisionProduct.html",
        _PROVISION,
    )
    def test_token(self) -> None:
        user, product, _ = self.catalog()
        name = fresh("queue")
        first = catalog_stack.provision(user, product, name)["RecordDetail"]["RecordId"]
        self.assertEqual(catalog_stack.provision(user, product, name)["RecordDetail"]["RecordId"], first)

    @claim(
        "A terminated product's stack is deleted; the product is no more.",
        f"{_API}API_TerminateProvisionedProduct.html",
        "servicecatalog:TerminateProvisionedProduct",
    )
    def test_terminate(self) -> None:
        user, product, _ = self.catalog()
        made = catalog_stack.provision(user, product, fresh("queue"))
        identifier = made["RecordDetail"]["ProvisionedProductId"]
        ended = user.terminate_provisioned_product(ProvisionedProductId=identifier, TerminateToken=fresh("end"))
        self.assertEqual(catalog_stack.finished(user, ended)["RecordDetail"]["Status"], "SUCCEEDED")
        with self.refused("ResourceNotFoundException"):
            user.describe_provisioned_product(Id=identifier)
