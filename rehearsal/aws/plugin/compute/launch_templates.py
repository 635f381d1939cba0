"""Launch templates: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html.

Records are MiniStack's, so that its CloudFormation type and this API see the same; the data is kept whole.
"""

import copy
import random
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import ec2

from . import tagging
from .selection import page, select
from .wire import Refusal, answer, now

_FILTERS = {"create-time": "CreateTime", "launch-template-name": "LaunchTemplateName"}
_VERSION_FILTERS = {
    "image-id": "LaunchTemplateData.ImageId",
    "instance-type": "LaunchTemplateData.InstanceType",
    "is-default-version": "DefaultVersion",
}
_MOST_VERSIONS_TO_DELETE = 200


def install() -> None:
    """Answer the actions."""
    answer("CreateLaunchTemplate", _create)
    answer("CreateLaunchTemplateVersion", _create_version)
    answer("DescribeLaunchTemplates", _describe)
    answer("DescribeLaunchTemplateVersions", _describe_versions)
    answer("ModifyLaunchTemplate", _modify)
    answer("DeleteLaunchTemplate", lambda request: {"LaunchTemplate": delete(find(request))})
    answer("DeleteLaunchTemplateVersions", _delete_versions)


# --- what others of this package need


def find(specification: dict) -> dict:
    """The template that a LaunchTemplateId or LaunchTemplateName names."""
    template_id, name = specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName")
    if template_id and name:
        raise Refusal("InvalidParameterCombination", "Provide either the launch template ID or its name, not both.")
    if template_id:
        if not template_id.startswith("lt-"):
            raise Refusal("InvalidLaunchTemplateId.Malformed", f"Invalid id: {template_id}")
        template = ec2._launch_templates.get(template_id)
        if template is None:
            text = f"The specified launch template, with template ID {template_id}, does not exist."
            raise Refusal("InvalidLaunchTemplateId.NotFound", text)
        return template
    if not name:
        raise Refusal("MissingParameter", "A launch template ID or a launch template name must be specified.")
    for template in ec2._launch_templates.values():
        if template["LaunchTemplateName"] == name:
            return template
    text = f"The specified launch template, with template name {name}, does not exist."
    raise Refusal("InvalidLaunchTemplateName.NotFoundException", text)


def version_of(template: dict, wanted: str | None) -> dict:
    """The version of a template that "$Latest", "$Default" or a number means."""
    number = str(wanted or "$Default")
    number = {
        "$Default": str(template["DefaultVersionNumber"]),
        "$Latest": str(template["LatestVersionNumber"]),
    }.get(number, number)
    for version in template["Versions"]:
        if str(version["VersionNumber"]) == number:
            return version
    text = f"Could not find launch template version {number} of {template['LaunchTemplateId']}."
    raise Refusal("InvalidLaunchTemplateId.VersionNotFound", text)


def data_of(specification: dict) -> tuple[dict[str, Any], dict, int]:
    """(data, template, version number) of a LaunchTemplateSpecification."""
    template = find(specification)
    version = version_of(template, specification.get("Version"))
    return copy.deepcopy(version.get("LaunchTemplateData") or {}), template, int(version["VersionNumber"])


def create(name: str, data: dict[str, Any], tags: list[dict], description: str = "") -> dict:
    """Make a template; a name is given once."""
    if any(template["LaunchTemplateName"] == name for template in ec2._launch_templates.values()):
        text = "Launch template name already in use."
        raise Refusal("InvalidLaunchTemplateName.AlreadyExistsException", text)
    template_id = f"lt-0{random.getrandbits(64):016x}"
    template = {
        "LaunchTemplateId": template_id,
        "LaunchTemplateName": name,
        "CreateTime": now(),
        "DefaultVersionNumber": 1,
        "LatestVersionNumber": 1,
        "Versions": [],
    }
    template["Versions"].append(_version(template, 1, data, description))
    ec2._launch_templates[template_id] = template
    tagging.put(template_id, tags)
    return template


def delete(template: dict) -> dict:
    """Remove a template with its versions and tags; returns it as it was."""
    view = _view(template)
    ec2._launch_templates.pop(template["LaunchTemplateId"], None)
    ec2._tags.pop(template["LaunchTemplateId"], None)
    return view


# --- the actions


def _creator() -> str:
    return f"arn:aws:iam::{get_account_id()}:root"


def _version(template: dict, number: int, data: dict, description: str) -> dict:
    return {
        "LaunchTemplateId": template["LaunchTemplateId"],
        "LaunchTemplateName": template["LaunchTemplateName"],
        "VersionNumber": number,
        "VersionDescription": description,
        "DefaultVersion": number == template["DefaultVersionNumber"],
        "CreateTime": now(),
        "LaunchTemplateData": data,
    }


def _view(template: dict) -> dict:
    plain = {k: v for k, v in template.items() if k not in ("Versions", "Tags")}
    return {**plain, "CreatedBy": _creator(), "Tags": ec2._tags.get(template["LaunchTemplateId"], [])}


def _version_view(version: dict) -> dict:
    data = dict(version.get("LaunchTemplateData") or {})
    if data.get("MetadataOptions"):
        data["MetadataOptions"] = {"State": "applied", **data["MetadataOptions"]}
    if not version.get("VersionDescription"):
        version = {k: v for k, v in version.items() if k != "VersionDescription"}
    return {**version, "CreatedBy": _creator(), "LaunchTemplateData": data}


def _create(request: dict) -> dict:
    name = request.get("LaunchTemplateName", "")
    if not 3 <= len(name) <= 128:
        text = "Launch template names must be between 3 and 128 characters, and may contain letters, numbers, and ()./_"
        raise Refusal("InvalidLaunchTemplateName.MalformedException", text)
    data = request.get("LaunchTemplateData") or {}
    if not data:
        raise Refusal("MissingParameter", "The request must contain the parameter LaunchTemplateData")
    tags = tagging.of_request(request, "launch-template")
    return {"LaunchTemplate": _view(create(name, data, tags, request.get("VersionDescription", "")))}


def _create_version(request: dict) -> dict:
    template = find(request)
    data = request.get("LaunchTemplateData") or {}
    if request.get("SourceVersion"):
        source = version_of(template, request["SourceVersion"]).get("LaunchTemplateData") or {}
        data = {**copy.deepcopy(source), **data}
    number = int(template["LatestVersionNumber"]) + 1
    version = _version(template, number, data, request.get("VersionDescription", ""))
    template["Versions"].append(version)
    template["LatestVersionNumber"] = number
    return {"LaunchTemplateVersion": _version_view(version)}


def _describe(request: dict) -> dict:
    named = [find({"LaunchTemplateId": i}) for i in request.get("LaunchTemplateIds", [])]
    named += [find({"LaunchTemplateName": n}) for n in request.get("LaunchTemplateNames", [])]
    asked = bool(request.get("LaunchTemplateIds") or request.get("LaunchTemplateNames"))
    views = [_view(template) for template in (named if asked else ec2._launch_templates.values())]
    found, token = page(select(views, request, _FILTERS), request, 1, 200)
    return {"LaunchTemplates": found, "NextToken": token}


def _describe_versions(request: dict) -> dict:
    if request.get("LaunchTemplateId") or request.get("LaunchTemplateName"):
        template = find(request)
        wanted = request.get("Versions")
        chosen = [version_of(template, w) for w in wanted] if wanted else template["Versions"][::-1]
    else:
        chosen = [version_of(t, w) for t in ec2._launch_templates.values() for w in request.get("Versions", [])]
    views = [_version_view(version) for version in chosen]
    found, token = page(select(views, request, _VERSION_FILTERS), request, 1, 200)
    return {"LaunchTemplateVersions": found, "NextToken": token}


def _modify(request: dict) -> dict:
    template = find(request)
    if request.get("DefaultVersion"):
        template["DefaultVersionNumber"] = int(version_of(template, request["DefaultVersion"])["VersionNumber"])
        for version in template["Versions"]:
            version["DefaultVersion"] = version["VersionNumber"] == template["DefaultVersionNumber"]
    return {"LaunchTemplate": _view(template)}


def _delete_versions(request: dict) -> dict:
    template = find(request)
    gone, kept = [], []
    for number in request.get("Versions", [])[:_MOST_VERSIONS_TO_DELETE]:
        item = {k: template[k] for k in ("LaunchTemplateId", "LaunchTemplateName")} | {"VersionNumber": number}
        try:
            version = version_of(template, number)
        except Refusal as refused:
            kept.append(
                {**item, "ResponseError": {"Code": "launchTemplateVersionDoesNotExist", "Message": str(refused)}}
            )
            continue
        if version["DefaultVersion"]:
            text = "Cannot delete the default version of a launch template."
            raise Refusal("InvalidParameterValue", text)
        template["Versions"].remove(version)
        gone.append(item)
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": gone,
        "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
    }
