"""Service Catalog: products by their ARNs; provisioned products and records by who launched them.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsservicecatalog.html
https://docs.aws.amazon.com/servicecatalog/latest/adminguide/permissions-examples.html
"""

from typing import Any

from .. import calls, catalog_store
from . import reference
from .call import Call, Subject
from .judgements import Judgement
from .state import State

_LEVELS = ("userLevel", "roleLevel", "accountLevel")
JUDGED = frozenset(f"servicecatalog:{level}".lower() for level in _LEVELS)


def subjects(call: Call, state: State) -> list[Subject]:
    """The product, for calls that are judged on one."""
    action = reference.action(call.action)
    product = call.parameters.get("ProductId") or call.parameters.get("Id")
    if action is None or "Product" not in action.types or not product:
        return []
    return [Subject("Product", call.arn("Product", ProductId=product))]


def keys(call: Call, state: State) -> dict[str, Any]:
    """Whose the provisioned product is: the caller's session's, his role's, or another's in the account."""
    owner, own = catalog_store.owner_of(call.parameters), calls.asking()
    levels = {"servicecatalog:accountLevel": "self"}
    if not owner or owner == own:
        levels["servicecatalog:userLevel"] = "self"
    if not owner or owner.rpartition("/")[0] == own.rpartition("/")[0]:
        levels["servicecatalog:roleLevel"] = "self"
    return levels


def also(call: Call, state: State) -> list[Judgement]:
    """Nothing: what a stack is made of is judged on the launch role."""
    return []
