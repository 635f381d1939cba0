"""Elastic Load Balancing v2: load balancers, listeners, rules and target groups, by their ARNs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html
"""

from typing import Any

from . import reference
from .call import Call, Subject, judgement, listed, request_tags, resource_tags, tag_keys
from .iam import SERVICE_LINKED
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    f"elasticloadbalancing:{name}".lower()
    for name in (
        "CreateAction",
        "ListenerProtocol",
        "ResourceTag/",
        "Scheme",
        "SecurityGroup",
        "SecurityPolicy",
        "Subnet",
    )
)

SERVICE = "elasticloadbalancing.amazonaws.com"

_PREFIX = "elasticloadbalancing"
_BY_ARN = (
    "ListenerArn",
    "ListenerArns",
    "LoadBalancerArn",
    "LoadBalancerArns",
    "ResourceArn",
    "ResourceArns",
    "RuleArn",
    "RuleArns",
    "TargetGroupArn",
    "TargetGroupArns",
    "TrustStoreArn",
    "TrustStoreArns",
)
_SHORT = {"application": "app", "network": "net", "gateway": "gwy"}


def subjects(call: Call, state: State) -> list[Subject]:
    """What the call names, or what it is to make."""
    action = reference.action(call.action)
    types = action.types if action else ()
    if not types:
        return []
    made = _made(call)
    if made is not None and call.operation in ("CreateLoadBalancer", "CreateTargetGroup"):
        return [made]
    named = [arn for name in _BY_ARN for arn in listed(call.parameters.get(name))]
    rules = [rule["RuleArn"] for rule in listed(call.parameters.get("RulePriorities")) if rule.get("RuleArn")]
    return [subject for subject in (_named(state, arn) for arn in [*named, *rules]) if subject.type in types]


def _named(state: State, arn: str) -> Subject:
    return Subject(_type(arn), arn, resource_tags(state.tags(arn), _PREFIX))


def _type(arn: str) -> str:
    """The reference writes the kind of a load balancer into the type: "listener/app", "loadbalancer/net/"."""
    kind, _, rest = arn.split(":", 5)[-1].partition("/")
    if kind == "loadbalancer" and rest.partition("/")[0] in _SHORT.values():
        return f"loadbalancer/{rest.partition('/')[0]}/"
    if kind in ("listener", "listener-rule"):
        return f"{kind}/{rest.partition('/')[0]}"
    return kind


def _made(call: Call) -> Subject | None:
    """What the call makes; its id is drawn."""
    given = call.parameters
    if call.operation == "CreateLoadBalancer":
        kind = f"loadbalancer/{_SHORT[given.get('Type') or 'application']}/"
        return Subject(kind, call.arn(kind, LoadBalancerName=given.get("Name", "*")))
    if call.operation == "CreateTargetGroup":
        return Subject("targetgroup", call.arn("targetgroup", TargetGroupName=given.get("Name", "*")))
    if call.operation == "CreateListener":
        parent = given.get("LoadBalancerArn", "*")
        return Subject(
            _type(parent.replace(":loadbalancer/", ":listener/")), parent.replace(":loadbalancer/", ":listener/") + "/*"
        )
    if call.operation == "CreateRule":
        parent = given.get("ListenerArn", "*")
        return Subject(
            _type(parent.replace(":listener/", ":listener-rule/")),
            parent.replace(":listener/", ":listener-rule/") + "/*",
        )
    return None


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    mapped = [one["SubnetId"] for one in listed(given.get("SubnetMappings")) if one.get("SubnetId")]
    scheme = given.get("Scheme") or ("internet-facing" if call.operation == "CreateLoadBalancer" else None)
    return {
        f"{_PREFIX}:ListenerProtocol": given.get("Protocol") if "Listener" in call.operation else None,
        f"{_PREFIX}:Scheme": scheme,
        f"{_PREFIX}:SecurityGroup": listed(given.get("SecurityGroups")) or None,
        f"{_PREFIX}:SecurityPolicy": given.get("SslPolicy"),
        f"{_PREFIX}:Subnet": [*listed(given.get("Subnets")), *mapped] or None,
        **request_tags(given.get("Tags")),
        **tag_keys(listed(given.get("TagKeys"))),
    }


def also(call: Call, state: State) -> list[Judgement]:
    """Tags on creation are AddTags on what is made, with the action that makes it; the first load balancer of an
    account makes the service's own role, for which its maker needs the right:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html.
    """
    return [*_first(call, state), *_tagging(call)]


def _first(call: Call, state: State) -> list[Judgement]:
    role = SERVICE_LINKED[SERVICE]
    if call.operation != "CreateLoadBalancer" or state.iam("role", role):
        return []
    arn = call.arn("role", "iam", RoleNameWithPath=f"aws-service-role/{SERVICE}/{role}")
    return [judgement("iam:CreateServiceLinkedRole", Subject("role", arn), {"iam:AWSServiceName": SERVICE})]


def _tagging(call: Call) -> list[Judgement]:
    made = _made(call) if call.parameters.get("Tags") else None
    if made is None:
        return []
    asked = {f"{_PREFIX}:CreateAction": call.operation, **request_tags(call.parameters["Tags"])}
    return [judgement(f"{_PREFIX}:AddTags", made, asked)]
