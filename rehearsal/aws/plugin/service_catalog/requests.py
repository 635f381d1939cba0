"""The API, as far as an end user needs it.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations_AWS_Service_Catalog.html
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services.cloudformation import engine

from .. import catalog_store as store
from ..catalog_store import Product, Provisioned, Record, new_id
from . import access, launches


class _Refused(Exception):
    """An error of the API: its code and its message."""


async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    """Answer a request."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    answer = _OPERATIONS.get(operation)
    if answer is None:
        return error_response_json(
            "UnknownOperationException", f"the rehearsal does not play servicecatalog:{operation}", 400
        )
    try:
        # Off the event loop, with the request's own context.
        return json_response(await asyncio.to_thread(answer, json.loads(body or b"{}")))
    except _Refused as refused:
        return error_response_json(refused.args[0], refused.args[1], 400)


# --- products


def _visible(request: dict) -> Product:
    wanted, name = request.get("ProductId") or request.get("Id"), request.get("ProductName") or request.get("Name")
    for product in access.products():
        if product.id == wanted or (not wanted and product.name == name):
            return product
    raise _Refused("ResourceNotFoundException", f"Product {wanted or name} not found.")


def _path(request: dict, product: Product) -> str:
    """The portfolio of the launch path."""
    paths = access.paths(product.id)
    wanted = request.get("PathId")
    if wanted:
        found = [p for p in paths if _path_id(p, product) == wanted]
        if not found:
            raise _Refused("ResourceNotFoundException", f"Launch path {wanted} not found.")
        return found[0]
    if len(paths) > 1:
        raise _Refused("InvalidParametersException", "The product has more than one launch path: PathId is required.")
    return paths[0]


def _path_id(portfolio: str, product: Product) -> str:
    return f"lpv2-{product.id.removeprefix('prod-')}-{portfolio.removeprefix('port-')}"


def _summary(product: Product) -> dict:
    return {
        "Id": f"prodview-{product.id.removeprefix('prod-')}",
        "ProductId": product.id,
        "Name": product.name,
        "Owner": product.owner,
        "ShortDescription": product.description,
        "Type": "CLOUD_FORMATION_TEMPLATE",
        "HasDefaultPath": False,
    }


def _artifacts(product: Product) -> list[dict]:
    return [
        {"Id": a.id, "Name": a.name, "Description": a.name, "CreatedTime": a.created, "Guidance": "DEFAULT"}
        for a in product.artifacts.values()
    ]


def _search_products(request: dict) -> dict:
    return {"ProductViewSummaries": [_summary(p) for p in access.products()], "ProductViewAggregations": {}}


def _describe_product(request: dict) -> dict:
    product = _visible(request)
    paths = [{"Id": _path_id(p, product), "Name": store.portfolios[p]} for p in access.paths(product.id)]
    return {"ProductViewSummary": _summary(product), "ProvisioningArtifacts": _artifacts(product), "LaunchPaths": paths}


def _constraints(portfolio: str, product: Product) -> list[dict]:
    found = (store.constraint(kind, portfolio, product.id) for kind in ("LAUNCH", "TEMPLATE"))
    return [{"Type": c.kind, "Description": c.description} for c in found if c]


def _list_launch_paths(request: dict) -> dict:
    product = _visible(request)
    return {
        "LaunchPathSummaries": [
            {
                "Id": _path_id(p, product),
                "Name": store.portfolios[p],
                "ConstraintSummaries": _constraints(p, product),
                "Tags": [],
            }
            for p in access.paths(product.id)
        ]
    }


def _artifact(request: dict, product: Product) -> store.Artifact:
    wanted, name = request.get("ProvisioningArtifactId"), request.get("ProvisioningArtifactName")
    for artifact in product.artifacts.values():
        if artifact.id == wanted or (not wanted and artifact.name == name):
            return artifact
    raise _Refused("ResourceNotFoundException", f"ProvisioningArtifact {wanted or name} not found.")


def _describe_provisioning_parameters(request: dict) -> dict:
    product = _visible(request)
    portfolio, artifact = _path(request, product), _artifact(request, product)
    template = engine._parse_template(artifact.template)
    parameters = []
    for key, declared in (template.get("Parameters") or {}).items():
        one: dict[str, Any] = {"ParameterKey": key, "ParameterType": declared["Type"], "IsNoEcho": False}
        if "Default" in declared:
            one["DefaultValue"] = str(declared["Default"])
        if "Description" in declared:
            one["Description"] = declared["Description"]
        limits = {"AllowedValues": [str(v) for v in declared.get("AllowedValues") or []]}
        for name in ("AllowedPattern", "ConstraintDescription", "MaxLength", "MinLength", "MaxValue", "MinValue"):
            if name in declared:
                limits[name] = str(declared[name])
        parameters.append({**one, "ParameterConstraints": limits})
    return {
        "ProvisioningArtifactParameters": parameters,
        "ConstraintSummaries": _constraints(portfolio, product),
        "UsageInstructions": [{"Type": "version", "Value": template.get("AWSTemplateFormatVersion", "2010-09-09")}],
        "TagOptions": [],
    }


# --- provisioned products


def _record(kind: str, provisioned: Provisioned, token: str) -> Record:
    made = Record(new_id("rec"), kind, provisioned, token)
    store.records[made.id] = made
    provisioned.last_record = made.id
    return made


def _known(kind: str, token: str) -> Record | None:
    """A request with the token of an earlier one of its kind is that one."""
    return next((r for r in store.records.values() if token and (r.kind, r.token) == (kind, token)), None)


def _detail(record: Record) -> dict:
    product = store.products.get(record.provisioned.product)
    return {
        "RecordId": record.id,
        "ProvisionedProductName": record.provisioned.name,
        "ProvisionedProductId": record.provisioned.id,
        "ProvisionedProductType": "CFN_STACK",
        "ProductId": record.provisioned.product,
        "ProvisioningArtifactId": record.provisioned.artifact,
        "PathId": _path_id(record.provisioned.portfolio, product) if product else "",
        "RecordType": record.kind,
        "Status": record.status,
        "CreatedTime": record.created,
        "UpdatedTime": record.updated,
        "RecordErrors": record.errors,
        "RecordTags": [],
        "LaunchRoleArn": record.provisioned.role,
    }


def _provision_product(request: dict) -> dict:
    earlier = _known("PROVISION_PRODUCT", request.get("ProvisionToken", ""))
    if earlier:
        return {"RecordDetail": _detail(earlier)}
    product = _visible(request)
    portfolio, artifact = _path(request, product), _artifact(request, product)
    name = request["ProvisionedProductName"]
    if store.named("", name):
        raise _Refused("DuplicateResourceException", f"A stack named {name} already exists.")
    made = Provisioned(
        new_id("pp"), name, access.caller(), product.id, portfolio, artifact.id, "", _role(portfolio, product)
    )
    made.stack = launches.stack_name(made.id)
    store.provisioned[made.id] = made
    record = _record("PROVISION_PRODUCT", made, request.get("ProvisionToken") or uuid.uuid4().hex)
    given = [
        {"ParameterKey": p["Key"], "ParameterValue": p.get("Value", "")}
        for p in request.get("ProvisioningParameters") or []
    ]
    answer = _detail(record)
    launches.create(record, given, request.get("Tags") or [], request.get("NotificationArns") or [])
    return {"RecordDetail": answer}


def _role(portfolio: str, product: Product) -> str:
    role = store.constraint("LAUNCH", portfolio, product.id)
    if role is None:
        raise _Refused("InvalidStateException", "the rehearsal launches products with a launch constraint only")
    return role.value


def _owned(request: dict) -> Provisioned:
    found = store.named(
        request.get("ProvisionedProductId") or request.get("Id") or "",
        request.get("ProvisionedProductName") or request.get("Name") or "",
    )
    if found is None:
        raise _Refused("ResourceNotFoundException", "Provisioned product not found.")
    return found


def _idle(provisioned: Provisioned) -> None:
    if provisioned.status == "UNDER_CHANGE":
        raise _Refused("InvalidStateException", f"Provisioned product {provisioned.id} is UNDER_CHANGE.")


def _update_provisioned_product(request: dict) -> dict:
    earlier = _known("UPDATE_PROVISIONED_PRODUCT", request.get("UpdateToken", ""))
    if earlier:
        return {"RecordDetail": _detail(earlier)}
    provisioned = _owned(request)
    _idle(provisioned)
    product = _visible({"ProductId": request.get("ProductId") or provisioned.product})
    if request.get("ProvisioningArtifactId") or request.get("ProvisioningArtifactName"):
        provisioned.artifact = _artifact(request, product).id
    elif provisioned.artifact not in product.artifacts:
        raise _Refused("ResourceNotFoundException", f"ProvisioningArtifact {provisioned.artifact} not found.")
    provisioned.role = _role(provisioned.portfolio, product)
    given: list[dict[str, Any]] = []
    for one in request.get("ProvisioningParameters") or []:
        if one.get("UsePreviousValue"):
            given.append({"ParameterKey": one["Key"], "UsePreviousValue": True})
        else:
            given.append({"ParameterKey": one["Key"], "ParameterValue": one.get("Value", "")})
    record = _record("UPDATE_PROVISIONED_PRODUCT", provisioned, request.get("UpdateToken") or uuid.uuid4().hex)
    answer = _detail(record)
    launches.update(record, given, request.get("Tags"))
    return {"RecordDetail": answer}


def _terminate_provisioned_product(request: dict) -> dict:
    earlier = _known("TERMINATE_PROVISIONED_PRODUCT", request.get("TerminateToken", ""))
    if earlier:
        return {"RecordDetail": _detail(earlier)}
    provisioned = _owned(request)
    _idle(provisioned)
    record = _record("TERMINATE_PROVISIONED_PRODUCT", provisioned, request.get("TerminateToken") or uuid.uuid4().hex)
    answer = _detail(record)
    launches.terminate(record)
    return {"RecordDetail": answer}


def _describe_record(request: dict) -> dict:
    record = store.records.get(request.get("Id", ""))
    if record is None:
        raise _Refused("ResourceNotFoundException", f"Record {request.get('Id')} not found.")
    return {"RecordDetail": _detail(record), "RecordOutputs": record.outputs}


def _describe_provisioned_product(request: dict) -> dict:
    found = _owned(request)
    return {
        "ProvisionedProductDetail": {
            "Id": found.id,
            "Name": found.name,
            "Arn": f"arn:aws:servicecatalog:{get_region()}:{get_account_id()}:stack/{found.name}/{found.id}",
            "Type": "CFN_STACK",
            "Status": found.status,
            "StatusMessage": found.message,
            "CreatedTime": found.created,
            "LastRecordId": found.last_record,
            "ProductId": found.product,
            "ProvisioningArtifactId": found.artifact,
            "LaunchRoleArn": found.role,
        },
        "CloudWatchDashboards": [],
    }


_OPERATIONS: dict[str, Callable[[dict], dict]] = {
    "DescribeProduct": _describe_product,
    "DescribeProvisionedProduct": _describe_provisioned_product,
    "DescribeProvisioningParameters": _describe_provisioning_parameters,
    "DescribeRecord": _describe_record,
    "ListLaunchPaths": _list_launch_paths,
    "ProvisionProduct": _provision_product,
    "SearchProducts": _search_products,
    "TerminateProvisionedProduct": _terminate_provisioned_product,
    "UpdateProvisionedProduct": _update_provisioned_product,
}
