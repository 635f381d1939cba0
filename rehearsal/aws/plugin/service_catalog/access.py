"""Who may see and launch what: the principals of a portfolio.

https://docs.aws.amazon.com/servicecatalog/latest/adminguide/catalogs_portfolios_users.html
"""

from ministack.core import iam_evaluator
from ministack.services import iam

from .. import calls
from .. import catalog_store as store


def caller() -> str:
    """The ARN of who asks; empty for the account's root, whom no portfolio has."""
    principal = calls.current_principal()
    return principal.arn if principal else ""


def portfolios() -> list[str]:
    """The portfolios of the caller, by id."""
    principal = calls.current_principal()
    if principal is None:
        return []
    own = _names(principal)
    return [
        p
        for p in store.portfolios
        if any(key.partition("|")[2] in own for key in store.principals if key.startswith(f"{p}|"))
    ]


def _names(principal: iam_evaluator.PrincipalInfo) -> set[str]:
    """All that a portfolio may call the caller: his user, his groups, the role of his session with its path."""
    name = principal.arn.split("/", 1)[-1]
    if principal.type == "AssumedRole":
        role = iam._roles.get(name.partition("/")[0])
        return {role["Arn"]} if role else set()
    user = name.rsplit("/", 1)[-1]
    groups = {g["Arn"] for g in iam._groups.values() if user in (g.get("Users") or g.get("Members") or [])}
    return {principal.arn, *groups}


def paths(product: str) -> list[str]:
    """The caller's portfolios that have the product; each is a launch path."""
    return [p for p in portfolios() if f"{p}|{product}" in store.members]


def products() -> list[store.Product]:
    """The caller's products."""
    return [p for p in store.products.values() if paths(p.id)]
