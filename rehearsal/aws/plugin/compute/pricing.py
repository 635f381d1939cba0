"""The price list's GetProducts for Linux instances, as Karpenter's chart asks it unless it is told isolatedVPC.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html. The prices are those of us-east-1,
whatever the region: their order is what a choice is made by.
"""

import hashlib
import json

from ministack.core.responses import error_response_json, json_response

from .. import new_services
from . import catalogue

_MOST = 100


def install() -> None:
    """Add the service."""
    new_services.add("pricing", r"api\.pricing\.", "AWSPriceListService", _handle)


async def _handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation != "GetProducts":
        return error_response_json("UnknownOperationException", f"the rehearsal does not play pricing:{operation}", 400)
    request = json.loads(body or b"{}")
    if request.get("ServiceCode") != "AmazonEC2":
        return error_response_json("InvalidParameterException", "Input Parameters are invalid", 400)
    wanted = [(f["Field"], f["Value"]) for f in request.get("Filters", [])]
    products = [p for p in _products(dict(wanted).get("regionCode", "")) if _matches(p, wanted)]
    start = int(request.get("NextToken") or 0)
    end = start + min(int(request.get("MaxResults") or _MOST), _MOST)
    answer = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(p) for p in products[start:end]]}
    if end < len(products):
        answer["NextToken"] = str(end)
    return json_response(answer)


def _products(region: str) -> list[dict]:
    shared = [(kind.name, kind.usdPerHour, "Compute Instance", "Shared") for kind in catalogue.types().values()]
    metal = [(name, p, "Compute Instance (bare metal)", "Dedicated") for name, p in catalogue.metal_prices().items()]
    return [_product(region, *each) for each in shared + metal]


def _product(region: str, name: str, price: float, family: str, tenancy: str) -> dict:
    sku = hashlib.sha1(f"{region}{name}".encode()).hexdigest()[:16].upper()
    rate = f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {"unit": "Hrs", "rateCode": rate, "pricePerUnit": {"USD": f"{price:.10f}"}}
    term = {"sku": sku, "priceDimensions": {rate: dimension}}
    attributes = {
        "instanceType": name,
        "regionCode": region,
        "tenancy": tenancy,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
    }
    return {
        "product": {"sku": sku, "productFamily": family, "attributes": attributes},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
    }


def _matches(product: dict, wanted: list[tuple[str, str]]) -> bool:
    details = product["product"]
    known = {**details["attributes"], "productFamily": details["productFamily"], "serviceCode": product["serviceCode"]}
    return all(known.get(field) == value for field, value in wanted)
