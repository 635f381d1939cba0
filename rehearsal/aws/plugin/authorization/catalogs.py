"""Glue's Data Catalog: a call on a table is judged on the table, its database and the catalog.

https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html
"""

from typing import Any

from . import reference
from .call import Call, Subject
from .judgements import Judgement
from .state import State

JUDGED: frozenset[str] = frozenset()


def subjects(call: Call, state: State) -> list[Subject] | None:
    """Catalog, database and table, as far as the action has them; None for what is no part of the catalog."""
    types = found.types if (found := reference.action(call.action)) else ()
    if "rootcatalog" not in types or not {"database", "table"} & set(types):
        return None
    given = call.parameters
    table = given.get("TableName") or _name(given.get("TableInput"))
    database = given.get("DatabaseName")
    if "table" in types:
        table = table or given.get("Name")
    else:
        database = database or given.get("Name") or _name(given.get("DatabaseInput"))
    owner = given.get("CatalogId") or call.account
    names = {"DatabaseName": database or "*", "TableName": table or "*", "Account": owner}
    return [Subject(kind, call.arn(kind, **names)) for kind in ("rootcatalog", "database", "table") if kind in types]


def _name(described: Any) -> str | None:
    return described.get("Name") if isinstance(described, dict) else None


def keys(call: Call, state: State) -> dict[str, Any]:
    """No keys of its own."""
    return {}


def also(call: Call, state: State) -> list[Judgement]:
    """Nothing besides."""
    return []
