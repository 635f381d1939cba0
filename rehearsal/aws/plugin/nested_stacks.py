"""AWS::CloudFormation::Stack, run by MiniStack's engine for whole stacks.

MiniStack deploys a nested stack by a second, smaller engine: what a failed child had made stays behind, a child's
failed deletes and its DeletionPolicy are overlooked, and after an update the attributes of unchanged resources are
gone. Here a child is a stack like any other, with a rollback, clean-up and events of its own.
"""

import asyncio
import copy
import uuid
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, helpers, provisioners, stacks

from . import caller_rights, half_made, resources, updates
from .resources import Properties

_TYPE = updates.STACK

_update_resource = stacks._update_resource
_KEPT_FOR_ROLLBACK = (
    "_resources",
    "_template",
    "_template_body",
    "_resolved_params",
    "_conditions",
    "Parameters",
    "Tags",
    "Outputs",
)


def install() -> None:
    """Put the handler in place of MiniStack's, and have it called at each update of a parent."""
    resources.replace(_TYPE, create=_create, update=_update, delete=_delete, tags="list")
    stacks._update_resource = _update_always


def _update_always(
    resource_type: str, physical_id: str, old: Properties, new: Properties, stack_name: str, *more: Any
) -> tuple:
    """AWS looks into a nested stack's template at each update: it may have changed at the same URL."""
    if resource_type == _TYPE:
        return _update(physical_id, old, new, stack_name, more[0] or "")
    return _update_resource(resource_type, physical_id, old, new, stack_name, *more)


def _template(url: str | None, parent: str) -> tuple[str, dict]:
    """The template's text and its parsed form, checked against the capabilities that the parent was given."""
    if not url:
        raise ValueError("Properties validation failed for resource: TemplateURL is required")
    unreadable = caller_rights.may_read_template(url)
    if unreadable:
        raise caller_rights.NotAuthorized(unreadable)
    body, problem = helpers._resolve_template({"TemplateURL": [url]})
    if problem is not None or not body:
        detail = problem[2].decode(errors="replace") if problem else "it is empty"
        raise ValueError(f"TemplateURL {url} cannot be read: {detail}")
    template = engine._parse_template(body)
    provisioners._check_nested_stack_capabilities(parent, template)
    return body, template


def _parameters(properties: Properties, template: dict, previous: dict | None = None) -> dict:
    given = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in given.values()):
        raise ValueError("Value of property Parameters must be an object with String (or simple type) properties")
    provided = [{"Key": key, "Value": _text(value)} for key, value in given.items()]
    unknown = given.keys() - template.get("Parameters", {}).keys()
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(sorted(unknown))}] do not exist in the template")
    values = engine._resolve_parameters(template, provided, previous or {})
    engine.validate_template_support(template, engine._evaluate_conditions(template, values), params=values)
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _tags(properties: Properties) -> list[dict[str, str]]:
    return [tag for tag in resources.tag_list(properties) if not tag["Key"].startswith("aws:")]


def _shown(values: dict) -> list[dict]:
    return [{"ParameterKey": k, "ParameterValue": v["Value"], "NoEcho": v["NoEcho"]} for k, v in values.items()]


def _create(logical_id: str, properties: Properties, parent_name: str) -> tuple[str, dict]:
    body, template = _template(properties.get("TemplateURL"), parent_name)
    values = _parameters(properties, template)
    parent = cloudformation._stacks[parent_name]
    name = f"{parent_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
    stack_id = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stack/{name}/{uuid.uuid4()}"
    child: dict[str, Any] = {
        "StackName": name,
        "StackId": stack_id,
        "StackStatus": "CREATE_IN_PROGRESS",
        "StackStatusReason": "",
        "CreationTime": now_iso(),
        "LastUpdatedTime": now_iso(),
        "Description": template.get("Description", ""),
        "Parameters": _shown(values),
        "Tags": _tags(properties),
        "Capabilities": list(parent.get("Capabilities", [])),
        "Outputs": [],
        "DisableRollback": parent.get("DisableRollback", False),
        "EnableTerminationProtection": False,
        "RootId": parent.get("RootId") or parent["StackId"],
        "ParentId": parent["StackId"],
        "_parent_stack_name": parent_name,
        **caller_rights.inherited(parent),
        "_region": get_region(),
        "_resources": {},
        "_template": template,
        "_template_body": body,
        "_resolved_params": values,
        "_conditions": engine._evaluate_conditions(template, values),
    }
    cloudformation._stacks[name] = child
    cloudformation._stack_events[stack_id] = []
    _event(child, "CREATE_IN_PROGRESS", "User Initiated")
    asyncio.run(stacks._deploy_stack_async(name, stack_id, template, values, child["DisableRollback"], child["Tags"]))
    if child["StackStatus"] != "CREATE_COMPLETE":
        # The parent's rollback deletes the child, as on AWS.
        half_made.remember(parent_name, logical_id, _TYPE, stack_id, properties)
        raise RuntimeError(f"Embedded stack {stack_id} was not successfully created: {_failures(child, 'CREATE')}")
    return stack_id, _outputs(child)


def _update(physical_id: str, old: Properties, new: Properties, parent_name: str, logical_id: str) -> tuple[str, dict]:
    child = _by_id(physical_id)
    if child is None:
        raise RuntimeError(f"Stack [{physical_id}] does not exist")
    name, tags = child["StackName"], _tags(new)
    body, template = _template(new.get("TemplateURL"), parent_name)
    values = _parameters(new, template, child.get("_resolved_params"))
    if (template, values, tags) == (child["_template"], child["_resolved_params"], child["Tags"]):
        if child["StackStatus"].endswith("_FAILED"):
            raise RuntimeError(f"Embedded stack {physical_id} is {child['StackStatus']}")
        return physical_id, _outputs(child)
    # What an earlier update, which ended without clean-up, has left to delete.
    left = child.get(updates.UNFINISHED, {}).get("deletes", [])
    previous = {key: copy.deepcopy(child.get(key)) for key in _KEPT_FOR_ROLLBACK}
    child[updates.UNFINISHED] = {"before": previous, "deletes": left}
    child.update(
        {
            "StackStatus": updates.UPDATING,
            "LastUpdatedTime": now_iso(),
            "Parameters": _shown(values),
            "Tags": tags,
            "Capabilities": list(cloudformation._stacks[parent_name].get("Capabilities", [])),
            "_template_body": body,
            "_conditions": engine._evaluate_conditions(template, values),
        }
    )
    _event(child, updates.UPDATING, "User Initiated")
    asyncio.run(
        stacks._deploy_stack_async(
            name, physical_id, template, values, False, child["Tags"], is_update=True, previous_stack=previous
        )
    )
    if child["StackStatus"] != updates.CLEANING_UP:
        child.pop(updates.UNFINISHED, None)
        raise RuntimeError(f"Embedded stack {physical_id} was not successfully updated: {_failures(child, 'UPDATE')}")
    return physical_id, _outputs(child)


def _delete(physical_id: str, properties: Properties) -> None:
    child = _by_id(physical_id)
    if child is None or child["StackStatus"] == "DELETE_COMPLETE":
        return
    asyncio.run(stacks._delete_stack_async(child["StackName"], physical_id))
    if child["StackStatus"] != "DELETE_COMPLETE":
        raise RuntimeError(f"Embedded stack {physical_id} was not successfully deleted: {child['StackStatusReason']}")


def _by_id(stack_id: str) -> dict | None:
    return next((s for s in cloudformation._stacks.values() if s["StackId"] == stack_id), None)


def _outputs(child: dict) -> dict[str, str]:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}


def _event(child: dict, status: str, reason: str) -> None:
    stacks._add_event(
        child["StackId"], child["StackName"], child["StackName"], _TYPE, status, reason, physical_id=child["StackId"]
    )


def _failures(child: dict, operation: str) -> str:
    """Which resources failed, and why the first did: CloudFormation names them only, this saves a search."""
    events = cloudformation._stack_events[child["StackId"]]
    start = max(i for i, e in enumerate(events) if e["ResourceStatus"] == f"{operation}_IN_PROGRESS" and _own(child, e))
    failed = [
        e for e in events[start:] if e["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED") and not _own(child, e)
    ]
    if not failed:
        return child.get("StackStatusReason") or "no resource failed"
    names = ", ".join(dict.fromkeys(e["LogicalResourceId"] for e in failed))
    verb = "create" if operation == "CREATE" else "update"
    first = failed[0]
    return (
        f"The following resource(s) failed to {verb}: [{names}]. "
        f"({first['LogicalResourceId']}: {first['ResourceStatusReason']})"
    )


def _own(child: dict, event: dict) -> bool:
    return event["PhysicalResourceId"] == child["StackId"]
