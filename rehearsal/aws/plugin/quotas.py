"""Service Quotas: what an account may have, as AWS's pages give the defaults, and requests for more, granted at once.

Nothing here holds anybody to a quota.
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""

import json
import time
import uuid
from dataclasses import dataclass

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from . import new_services

_SERVICES = {
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}


@dataclass(frozen=True)
class Quota:
    """A quota: AWS's name, and what an account has that never asked for more."""

    name: str
    default: float


_QUOTAS = {
    ("vpc", "L-F678F1CE"): Quota("VPCs per Region", 5),
    ("vpc", "L-A4707A72"): Quota("Internet gateways per Region", 5),
    ("vpc", "L-FE5A380F"): Quota("NAT gateways per Availability Zone", 5),
    ("ec2", "L-0263D0A3"): Quota("EC2-VPC Elastic IPs", 5),
    ("ec2", "L-1216C47A"): Quota("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5),
    ("ec2", "L-34B43A08"): Quota("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5),
    ("ec2", "L-74FC7D96"): Quota("Running On-Demand F instances", 0),
    ("ec2", "L-88CF9481"): Quota("All F Spot Instance Requests", 0),
    ("ec2", "L-DB2E81BA"): Quota("Running On-Demand G and VT instances", 0),
    ("ec2", "L-3819A6DF"): Quota("All G and VT Spot Instance Requests", 0),
    ("ec2", "L-1945791B"): Quota("Running On-Demand Inf instances", 0),
    ("ec2", "L-B5D1601B"): Quota("All Inf Spot Instance Requests", 0),
    ("ec2", "L-7295265B"): Quota("Running On-Demand X instances", 0),
    ("ec2", "L-E3A00192"): Quota("All X Spot Instance Requests", 0),
}

# What was asked for and granted, by "SERVICE/CODE".
_granted = AccountRegionScopedDict()


def install() -> None:
    """Add the service."""
    new_services.add("servicequotas", r"servicequotas\.", "ServiceQuotasV20190624", _handle)


async def _handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    request = json.loads(body or b"{}")
    service, code = request.get("ServiceCode", ""), request.get("QuotaCode", "")
    quota = _QUOTAS.get((service, code))
    if operation not in ("GetServiceQuota", "RequestServiceQuotaIncrease"):
        return error_response_json(
            "UnknownOperationException", f"the rehearsal does not play servicequotas:{operation}", 400
        )
    if quota is None:
        return error_response_json(
            "NoSuchResourceException", "The request failed because the specified quota does not exist.", 400
        )
    if operation == "GetServiceQuota":
        return json_response({"Quota": _described(service, code, quota)})
    return _increase(service, code, quota, float(request.get("DesiredValue") or 0))


def _value(service: str, code: str, quota: Quota) -> float:
    return _granted.get(f"{service}/{code}", quota.default)


def _described(service: str, code: str, quota: Quota) -> dict:
    return {
        **_named(service, code, quota),
        "Value": _value(service, code, quota),
        "Adjustable": True,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _named(service: str, code: str, quota: Quota) -> dict:
    return {
        "ServiceCode": service,
        "ServiceName": _SERVICES[service],
        "QuotaArn": f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": quota.name,
        "Unit": "None",
        "GlobalQuota": False,
    }


def _increase(service: str, code: str, quota: Quota, wanted: float) -> tuple:
    if wanted <= _value(service, code, quota):
        return error_response_json(
            "IllegalArgumentException", "You must provide a quota value greater than the current quota value", 400
        )
    _granted[f"{service}/{code}"] = wanted
    now = time.time()
    asked = {"Id": uuid.uuid4().hex, "DesiredValue": wanted, "Status": "APPROVED", "Created": now, "LastUpdated": now}
    return json_response({"RequestedQuota": {**_named(service, code, quota), **asked}})
