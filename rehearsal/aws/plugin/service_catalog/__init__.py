"""AWS Service Catalog: portfolios by CloudFormation, and of the API what an end user needs.

`catalog_store` has what there is, `types` the CloudFormation types, `access` who may launch what, `launches` the
stacks that Service Catalog makes with the launch role, and `requests` the API. Products are CloudFormation templates
only; shared portfolios, service actions, plans and budgets are not there, and nobody launches without a launch
constraint.
https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Reference.html
"""

from .. import new_services
from . import requests, types

__all__ = ["install"]


def install() -> None:
    """Add the service and its types."""
    types.install()
    new_services.add("servicecatalog", r"servicecatalog\.", "AWS242ServiceCatalogService", requests.handle)
