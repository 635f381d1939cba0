"""Where MiniStack's engine asks: at its API, and before each call of a resource handler."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlparse

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, ec2, iam, s3, ssm
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners, stacks

from .. import intrinsics, resource_schemas, roles
from ..authorization import Judgement, judge
from ..order import is_custom
from . import actors, permissions, refusals, targets
from .actors import Actor
from .permissions import CREATE, DELETE, READ, UPDATE, Properties
from .refusals import NotAuthorized
from .targets import Account, Operation

_provision = stacks._provision_resource
_update = stacks._update_resource
_delete = stacks._delete_resource
_import = stacks._import_resource
_resolve_parameter_value = ssm.resolve_parameter_value

_STACK = "AWS::CloudFormation::Stack"

# The operations that act on resources, each with a RoleARN of its own; CreateChangeSet keeps it for ExecuteChangeSet.
_WITH_ROLE = (
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "UpdateStack",
)
# The operations that only read a template.
_READING = ("EstimateTemplateCost", "GetTemplateSummary", "ValidateTemplate")

# Where a stack and a change set keep their role.
_ROLE = "_role_arn"

# A type's property for its name, and how long a name that CloudFormation makes may be.
_NAMES = {
    "AWS::EKS::Cluster": ("Name", 100),
    "AWS::EKS::Nodegroup": ("NodegroupName", 63),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::InstanceProfile": ("InstanceProfileName", 128),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SSM::Parameter": ("Name", 512),
}

Response = tuple[int, dict, bytes]


def install() -> None:
    """Wrap the API's operations and the engine's calls of resource handlers, after those who change the latter."""
    global _provision, _update, _delete, _import
    _provision, _update = stacks._provision_resource, stacks._update_resource
    _delete, _import = stacks._delete_resource, stacks._import_resource
    for action in _WITH_ROLE:
        handlers._ACTION_HANDLERS[action] = _acting(action, handlers._ACTION_HANDLERS[action])
    for action in _READING:
        if action in handlers._ACTION_HANDLERS:
            handlers._ACTION_HANDLERS[action] = _reading(handlers._ACTION_HANDLERS[action])
    handlers._ACTION_HANDLERS["DescribeStacks"] = _describing(handlers._ACTION_HANDLERS["DescribeStacks"])
    stacks._provision_resource = _provision_if_allowed
    stacks._update_resource = _update_if_allowed
    stacks._delete_resource = _delete_if_allowed
    stacks._import_resource = _import_if_allowed
    ssm.resolve_parameter_value = _read_parameter_if_allowed


# --- the API


def _acting(action: str, handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    def act(params: dict) -> Response:
        given = helpers._p(params, "RoleARN")
        if given and not roles.trusts(given, actors.SERVICE):
            return helpers._error("ValidationError", f"Role {given} is invalid or cannot be assumed")
        denied = _unreadable_template(params)
        if denied is not None:
            return denied
        name = helpers._p(params, "StackName")
        change_set = _change_set(params, name)
        stack = handlers._resolve_stack((change_set or {}).get("StackName") or name)
        role = given or (change_set or {}).get(_ROLE, "")
        if not role and action != "CreateStack" and stack is not None and stack["StackStatus"] != "DELETE_COMPLETE":
            role = stack.get(_ROLE, "")
        with actors.acting(role):
            answer = handle(params)
        if answer[0] == 200:
            _remember(action, params, role)
        return answer

    return act


def _change_set(params: dict, stack_name: str) -> dict | None:
    name = helpers._p(params, "ChangeSetName")
    found = handlers._resolve_stack(stack_name) if stack_name else None
    return changesets._find_change_set(name, (found or {}).get("StackName", stack_name))[1] if name else None


def _remember(action: str, params: dict, role: str) -> None:
    """The stack keeps the role for later operations; one that is planned only keeps it in its change set."""
    if not role:
        return
    name = helpers._p(params, "StackName")
    change_set = _change_set(params, name)
    if action == "CreateChangeSet" and change_set is not None:
        change_set[_ROLE] = role
        return
    stack = handlers._resolve_stack((change_set or {}).get("StackName") or name)
    if stack is not None:
        stack[_ROLE] = role


def _reading(handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    return lambda params: _unreadable_template(params) or handle(params)


def _unreadable_template(params: dict) -> Response | None:
    """Templates, and stack policies, in a bucket are read with the caller's rights, whichever role is given."""
    for name in ("TemplateURL", "StackPolicyURL"):
        url = helpers._p(params, name)
        problem = may_read_template(url, actors.caller()) if url else ""
        if problem:
            return helpers._error("ValidationError", problem)
    return None


def _describing(handle: Callable[[dict], Response]) -> Callable[[dict], Response]:
    """DescribeStacks tells a stack's role; MiniStack keeps none."""

    def describe(params: dict) -> Response:
        status, headers, body = handle(params)
        by_id = {stack["StackId"]: stack[_ROLE] for stack in cloudformation._stacks.values() if stack.get(_ROLE)}

        def with_role(found: re.Match) -> str:
            role = by_id.get(found[1], "")
            return found[0] + (f"<RoleARN>{role}</RoleARN>" if role else "")

        text = body.decode() if isinstance(body, bytes) else body
        told = re.sub(r"<StackId>([^<]*)</StackId>", with_role, text) if by_id and status == 200 else text
        return status, headers, told.encode() if isinstance(body, bytes) else told

    return describe


def inherited(parent: dict) -> dict[str, str]:
    """What a nested stack's record has of its parent's: the role, for operations on the child alone."""
    return {_ROLE: parent[_ROLE]} if parent.get(_ROLE) else {}


def may_read_template(url: str, actor: Actor | None = None) -> str:
    """Why a template's URL cannot be read by the actor (or else by who the operation acts as); empty if it can."""
    actor = actor or actors.current()
    parsed = urlparse(url)
    bucket, _, key = parsed.path.lstrip("/").partition("/")
    if actor is None or not key:
        return ""
    object_arn = f"arn:{intrinsics.partition()}:s3:::{bucket}/{key}"
    denial = judge(
        actor.principal, [Judgement("s3:GetObject", object_arn, {**actor.keys, **_object_tags(bucket, key)})]
    )
    if denial is None:
        return ""
    return (
        "S3 error: Access Denied\nFor more information check "
        f"http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html ({refusals.sentence(denial)})"
    )


def _object_tags(bucket: str, key: str) -> dict[str, str]:
    """The tags of an object as policies see them."""
    found = next((tags for at, tags in s3._object_tags.items() if at[:2] == (bucket, key)), {})
    return {f"s3:existingobjecttag/{name}".lower(): value for name, value in found.items()}


def _read_parameter_if_allowed(name_or_arn: str, *arguments: Any, **more: Any) -> Any:
    """Parameters of an SSM type, and dynamic references, are read with the actor's rights."""
    actor = actors.current()
    if actor is not None and name_or_arn:
        account = _account()
        arn = name_or_arn
        if not arn.startswith("arn:"):
            # AWS's own parameters have no account.
            arn = account.arn("ssm", f"parameter/{name_or_arn.lstrip('/')}", owned=not name_or_arn.startswith("/aws/"))
        denial = judge(actor.principal, [Judgement("ssm:GetParameters", arn, actor.keys)])
        if denial is not None:
            raise NotAuthorized(refusals.sentence(denial))
    return _resolve_parameter_value(name_or_arn, *arguments, **more)


# --- resources


def _provision_if_allowed(resource_type: str, logical_id: str, properties: Properties, stack_name: str) -> tuple:
    _require(CREATE, resource_type, logical_id, stack_name, {}, properties)
    return _provision(resource_type, logical_id, properties, stack_name)


def _update_if_allowed(
    resource_type: str,
    physical_id: str,
    old: Properties,
    new: Properties,
    stack_name: str,
    logical_id: str | None = None,
    attributes: dict | None = None,
) -> tuple:
    if old != new or resource_type == _STACK:
        replaced = provisioners._replacing_change(resource_type, old, new)
        if replaced:
            _require(CREATE, resource_type, logical_id or "", stack_name, {}, new)
        else:
            _require(UPDATE, resource_type, logical_id or "", stack_name, old, new, physical_id, attributes or {})
    return _update(resource_type, physical_id, old, new, stack_name, logical_id, attributes)


def _delete_if_allowed(
    resource_type: str,
    physical_id: str,
    properties: Properties,
    stack_name: str | None = None,
    logical_id: str | None = None,
) -> None:
    if actors.current() is not None:
        record = _record(stack_name or "", logical_id or "", physical_id)
        stack = cloudformation._stacks.get(stack_name or "") or {}
        tagged = provisioners._with_stack_tags(
            resource_type,
            properties,
            stack.get("Tags") or [],
            stack_name or "",
            stack.get("StackId", ""),
            logical_id or "",
        )
        attributes = record.get("Attributes") or {}
        _require(DELETE, resource_type, logical_id or "", stack_name or "", tagged, {}, physical_id, attributes)
    _delete(resource_type, physical_id, properties, stack_name, logical_id)


def _import_if_allowed(resource_type: str, identifier: dict) -> tuple:
    name = "|".join(str(value) for value in identifier.values())
    _require(READ, resource_type, "", "", identifier, identifier, name)
    return _import(resource_type, identifier)


def _record(stack_name: str, logical_id: str, physical_id: str) -> dict:
    stack = cloudformation._stacks.get(stack_name) or {}
    record = stack.get("_resources", {}).get(logical_id) or {}
    return record if record.get("PhysicalResourceId") == physical_id else {}


def _require(
    kind: str,
    resource_type: str,
    logical_id: str,
    stack_name: str,
    old: Properties,
    new: Properties,
    physical_id: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Raise NotAuthorized unless the actor may do all that the handler calls."""
    actor = actors.current()
    if actor is None:
        return
    if is_custom(resource_type):
        _require_invocation(actor, str((new or old).get("ServiceToken", "")))
        return
    tagging = resource_schemas.tagging(resource_type)
    listed = resource_schemas.permissions(resource_type, kind)
    if kind == UPDATE and not listed:
        # A type without an update handler, whose page yet has a property that changes in place.
        listed = resource_schemas.permissions(resource_type, CREATE)
    if not listed and not resource_schemas.schema(resource_type):
        raise NotAuthorized(f"the rehearsal knows no schema of {resource_type}: only the account's root may {kind} it")
    operation = Operation(
        kind=kind,
        resource_type=resource_type,
        old=old,
        new=new,
        physical_id=physical_id,
        name=_name(resource_type, logical_id, stack_name, new or old),
        attributes=attributes or {},
        tag_property=str(tagging.get("tagProperty") or "Tags").rsplit("/", 1)[-1],
    )
    actions = permissions.asked(resource_type, kind, listed, tagging, old, new)
    judgements = [
        Judgement(question.action, question.resource, {**actor.keys, **question.keys})
        for question in targets.questions(operation, actions, _account())
    ]
    denial = judge(actor.principal, judgements)
    if denial is not None:
        raise NotAuthorized(refusals.of_handler(denial))


def _require_invocation(actor: Actor, service_token: str) -> None:
    """A custom resource's handler is its function."""
    arn = targets.function_arn(service_token, _account())
    denial = judge(actor.principal, [Judgement("lambda:InvokeFunction", arn, actor.keys)])
    if denial is not None:
        raise NotAuthorized(refusals.of_invocation(denial))


def _name(resource_type: str, logical_id: str, stack_name: str, properties: Properties) -> str:
    """The name that a resource has or will have; CloudFormation's own begin with the stack's name."""
    if resource_type == _STACK:
        return f"{stack_name}-{logical_id}-*"
    name, longest = _NAMES.get(resource_type, ("", 0))
    if not name:
        return ""
    lowercase = resource_type == "AWS::S3::Bucket"
    return properties.get(name) or provisioners._physical_name(
        stack_name, logical_id, lowercase=lowercase, max_len=longest
    )


def _account() -> Account:
    return Account(
        account=get_account_id(),
        region=get_region(),
        partition=intrinsics.partition(),
        role_arn=lambda name: (iam._roles.get(name) or {}).get("Arn", ""),
        ec2_tags=lambda resource_id: {tag["Key"]: tag["Value"] for tag in ec2._tags.get(resource_id) or []},
    )
