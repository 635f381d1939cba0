"""What Service Catalog holds, by account and region.

Apart from service_catalog, since the judgement of calls looks into it as well.
"""

import random
import string
import time
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import AccountRegionScopedDict


@dataclass
class Artifact:
    """A version of a product, with Service Catalog's own copy of its template."""

    id: str
    name: str
    description: str
    template: str
    created: float = field(default_factory=time.time)


@dataclass
class Product:
    """A product; its versions by their ids."""

    id: str
    name: str
    owner: str
    description: str
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass
class Constraint:
    """A LAUNCH or TEMPLATE constraint of a product in a portfolio: the role's ARN, or the rules as JSON."""

    id: str
    kind: str
    portfolio: str
    product: str
    value: str
    description: str = ""


@dataclass
class Provisioned:
    """A provisioned product."""

    id: str
    name: str
    owner: str
    product: str
    portfolio: str
    artifact: str
    stack: str
    role: str
    status: str = "UNDER_CHANGE"
    message: str = ""
    created: float = field(default_factory=time.time)
    last_record: str = ""


@dataclass
class Record:
    """A request on a provisioned product, as DescribeRecord tells it."""

    id: str
    kind: str
    provisioned: Provisioned
    token: str
    status: str = "CREATED"
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    errors: list[dict] = field(default_factory=list)
    outputs: list[dict] = field(default_factory=list)


portfolios: Any = AccountRegionScopedDict()  # id: display name
products: Any = AccountRegionScopedDict()
members: Any = AccountRegionScopedDict()  # "portfolio|product": True
principals: Any = AccountRegionScopedDict()  # "portfolio|ARN": True
constraints: Any = AccountRegionScopedDict()
tag_options: Any = AccountRegionScopedDict()  # id: (key, value, active)
tagged: Any = AccountRegionScopedDict()  # "resource|tag option": True
provisioned: Any = AccountRegionScopedDict()
records: Any = AccountRegionScopedDict()


def new_id(kind: str) -> str:
    """An identifier as Service Catalog draws them, such as prod-abcdzk7xy33qa."""
    return f"{kind}-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=13))


def constraint(kind: str, portfolio: str, product: str) -> Constraint | None:
    """The constraint of that kind, if there is one."""
    of = ((c.kind, c.portfolio, c.product) for c in constraints.values())
    return next((c for c, at in zip(constraints.values(), of, strict=True) if at == (kind, portfolio, product)), None)


def owner_of(parameters: dict) -> str:
    """Who launched the provisioned product, or asked for the record, that a request names; empty if it names none."""
    if parameters.get("Id") in records:
        return records[parameters["Id"]].provisioned.owner
    found = named(
        parameters.get("ProvisionedProductId") or parameters.get("Id") or "",
        parameters.get("ProvisionedProductName") or parameters.get("Name") or "",
    )
    return found.owner if found else ""


def named(identifier: str, name: str) -> Provisioned | None:
    """The provisioned product of this id or, without one, of this name."""
    if identifier:
        return provisioned.get(identifier)
    return next((p for p in provisioned.values() if p.name == name), None)
