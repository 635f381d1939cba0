"""The CloudFormation types of a catalog.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_ServiceCatalog.html
"""

import json

from ministack.services.cloudformation import engine, helpers

from .. import caller_rights, resources
from .. import catalog_store as store
from ..catalog_store import Artifact, Constraint, Product, new_id
from ..resources import Properties

_PREFIX = "AWS::ServiceCatalog::"


def install() -> None:
    """Add the types."""
    add = resources.add
    add(f"{_PREFIX}Portfolio", create=_portfolio, update=_update_portfolio, delete=_delete_portfolio, tags="list")
    add(
        f"{_PREFIX}CloudFormationProduct",
        create=_product,
        update=_update_product,
        delete=_delete_product,
        tags="list",
    )
    _link("PortfolioProductAssociation", store.members, "PortfolioId", "ProductId")
    _link("PortfolioPrincipalAssociation", store.principals, "PortfolioId", "PrincipalARN", more=("PrincipalType",))
    _link("TagOptionAssociation", store.tagged, "ResourceId", "TagOptionId")
    for name, kind, value in (
        ("LaunchRoleConstraint", "LAUNCH", "RoleArn"),
        ("LaunchTemplateConstraint", "TEMPLATE", "Rules"),
    ):
        _constraint(name, kind, value)
    add(
        f"{_PREFIX}TagOption",
        create=_tag_option,
        update=_update_tag_option,
        delete=lambda physical_id, _: store.tag_options.pop(physical_id, None),
        replaced_by=("Key", "Value"),
    )


def _portfolio(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    identifier = new_id("port")
    store.portfolios[identifier] = properties["DisplayName"]
    return identifier, {"PortfolioName": properties["DisplayName"]}


def _update_portfolio(physical_id: str, old: Properties, new: Properties, *rest: str) -> tuple[str, dict]:
    store.portfolios[physical_id] = new["DisplayName"]
    return physical_id, {"PortfolioName": new["DisplayName"]}


def _delete_portfolio(physical_id: str, properties: Properties) -> None:
    used = [key for links in (store.members, store.principals) for key in links if key.startswith(f"{physical_id}|")]
    if used:
        raise ValueError(f"Portfolio {physical_id} is in use: {', '.join(used)} (ResourceInUseException)")
    store.portfolios.pop(physical_id, None)


def _product(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    product = Product(new_id("prod"), "", "", "")
    attributes = _fill(product, properties)
    store.products[product.id] = product
    return product.id, attributes


def _update_product(physical_id: str, old: Properties, new: Properties, *rest: str) -> tuple[str, dict]:
    return physical_id, _fill(store.products[physical_id], new)


def _fill(product: Product, properties: Properties) -> dict:
    """Versions are told from each other by their name and their template's URL; one that stays keeps its id."""
    kept = {}
    for one in properties.get("ProvisioningArtifactParameters") or []:
        url = one["Info"]["LoadTemplateFromURL"]
        key = f"{one.get('Name', '')} {url}"
        before = next((a for a in product.artifacts.values() if a.description == key), None)
        kept_id = before.id if before else new_id("pa")
        kept[kept_id] = before or Artifact(kept_id, one.get("Name", ""), key, _template(url))
    product.name, product.owner = properties["Name"], properties["Owner"]
    product.description, product.artifacts = properties.get("Description", ""), kept
    return {
        "ProductName": product.name,
        "ProvisioningArtifactIds": ",".join(kept),
        "ProvisioningArtifactNames": ",".join(a.name for a in kept.values()),
    }


def _template(url: str) -> str:
    """The template, read with the rights of who makes the product, and checked as CloudFormation does."""
    if problem := caller_rights.may_read_template(url):
        raise caller_rights.NotAuthorized(problem)
    body, failed = helpers._resolve_template({"TemplateURL": [url]})
    if failed is not None or not body:
        raise ValueError(f"Invalid templateUrl. Please make sure that the templateUrl {url} is valid.")
    engine._parse_template(body)
    return body


def _delete_product(physical_id: str, properties: Properties) -> None:
    used = [key for key in store.members if key.endswith(f"|{physical_id}")]
    if used:
        raise ValueError(f"Product {physical_id} is in use: {', '.join(used)} (ResourceInUseException)")
    store.products.pop(physical_id, None)


def _link(name: str, links: dict, one: str, other: str, more: tuple[str, ...] = ()) -> None:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        key = f"{properties[one]}|{properties[other]}"
        links[key] = True
        return key, {}

    def delete(physical_id: str, properties: Properties) -> None:
        if name == "PortfolioProductAssociation":
            left = [c.id for c in store.constraints.values() if f"{c.portfolio}|{c.product}" == physical_id]
            if left:
                raise ValueError(f"Constraints {', '.join(left)} are on {physical_id} (ResourceInUseException)")
        links.pop(physical_id, None)

    resources.add(f"{_PREFIX}{name}", create=create, delete=delete, replaced_by=(one, other, *more))


def _constraint(name: str, kind: str, value: str) -> None:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        portfolio, product = properties["PortfolioId"], properties["ProductId"]
        if f"{portfolio}|{product}" not in store.members:
            raise ValueError(f"Product {product} is not associated with portfolio {portfolio}")
        if store.constraint(kind, portfolio, product):
            raise ValueError(f"A {kind} constraint of {product} in {portfolio} exists (DuplicateResourceException)")
        made = Constraint(new_id("cons"), kind, portfolio, product, "")
        store.constraints[made.id] = _set(made, properties)
        return made.id, {}

    def update(physical_id: str, old: Properties, new: Properties, *rest: str) -> tuple[str, dict]:
        _set(store.constraints[physical_id], new)
        return physical_id, {}

    def _set(one: Constraint, properties: Properties) -> Constraint:
        if kind == "TEMPLATE":
            rules = json.loads(properties[value])
            if not isinstance(rules, dict) or not all("Assertions" in rule for rule in rules.values()):
                raise ValueError("Rules must be a map of rule names to rules with Assertions")
        one.value, one.description = properties[value], properties.get("Description", "")
        return one

    resources.add(
        f"{_PREFIX}{name}",
        create=create,
        update=update,
        delete=lambda physical_id, _: store.constraints.pop(physical_id, None),
        replaced_by=("PortfolioId", "ProductId"),
    )


def _tag_option(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    identifier = new_id("tag")
    return _update_tag_option(identifier, {}, properties)


def _update_tag_option(physical_id: str, old: Properties, new: Properties, *rest: str) -> tuple[str, dict]:
    store.tag_options[physical_id] = (new["Key"], new["Value"], resources.truth(new.get("Active", True)))
    return physical_id, {}
