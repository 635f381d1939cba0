"""WAF: web ACLs, IP sets and rule groups by their ARNs, and the load balancers that web ACLs guard.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awswafv2.html
https://docs.aws.amazon.com/waf/latest/developerguide/security_iam_service-with-iam.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from . import reference
from .call import Call, Subject, judgement, listed, request_tags, resource_tags, tag_keys
from .judgements import Judgement
from .state import State

JUDGED: frozenset[str] = frozenset()

_BALANCER = "loadbalancer/app/"
_KINDS = {"WebACL": "webacl", "IPSet": "ipset", "RuleGroup": "rulegroup", "RegexPatternSet": "regexpatternset"}

# What a call about a load balancer's web ACL needs of Elastic Load Balancing, on that load balancer. WAF's guide names
# SetWebACL, the reference the others too, as dependent actions; in doubt all are asked for.
_OF_BALANCER = {
    "AssociateWebACL": ("SetWebAcl", "CreateWebACLAssociation"),
    "DisassociateWebACL": ("SetWebAcl", "DeleteWebACLAssociation"),
    "GetWebACLForResource": ("GetLoadBalancerWebACL",),
}

# What a rule can refer to: its statement, and the type of what the ARN in it names.
_REFERENCES = {
    "IPSetReferenceStatement": "ipset",
    "RuleGroupReferenceStatement": "rulegroup",
    "RegexPatternSetReferenceStatement": "regexpatternset",
}


def subjects(call: Call, state: State) -> list[Subject] | None:
    """What the call names, makes and refers to; None for a call on other things."""
    given = call.parameters
    types = found.types if (found := reference.action(call.action)) else ()
    if not types:
        return []
    result = [
        _by_arn(call, state, arn) for name in ("WebACLArn", "ResourceArn", "ResourceARN") if (arn := given.get(name))
    ]
    if call.operation == "GetWebACLForResource" and (guard := state.web_acl_of(given.get("ResourceArn", ""))):
        result.append(_by_arn(call, state, guard))
    if own := _own(call, state):
        result.append(own)
    result += _referred(call, state, given.get("Rules"))
    return [subject for subject in result if subject.type in types] or None


def _own(call: Call, state: State) -> Subject | None:
    """What the call names by name and id, or is to make: then its id is not drawn yet."""
    name = call.parameters.get("Name")
    kind = next((kind for suffix, kind in _KINDS.items() if call.operation.endswith(suffix)), None)
    if not name or kind is None:
        return None
    scope = "global" if call.parameters.get("Scope") == "CLOUDFRONT" else "regional"
    arn = call.arn(kind, Scope=scope, Name=name, Id=call.parameters.get("Id", "*"))
    return Subject(kind, arn, resource_tags(state.web_acl_tags(arn)))


def _by_arn(call: Call, state: State, arn: str) -> Subject:
    if ":elasticloadbalancing:" in arn:
        return Subject(_BALANCER, arn, resource_tags(state.tags(arn), "elasticloadbalancing"))
    kind = arn.split(":", 5)[-1].split("/")[1:2]
    return Subject(kind[0] if kind else "", arn, resource_tags(state.web_acl_tags(arn)))


def _referred(call: Call, state: State, rules: Any) -> list[Subject]:
    """What the rules refer to. AWS's own rule groups are judged as "managedruleset/*/*" of the caller's account."""
    result = []
    for name, statement in _statements(rules):
        if name == "ManagedRuleGroupStatement":
            result.append(Subject("managedruleset", call.arn("managedruleset", Scope="regional")))
        elif name in _REFERENCES and statement.get("ARN"):
            result.append(_by_arn(call, state, statement["ARN"]))
    return result


def _statements(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement in rules, nested ones too, by its name."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name.endswith("Statement") and isinstance(member, Mapping):
                yield name, member
            yield from _statements(member)
    elif isinstance(value, list):
        for member in value:
            yield from _statements(member)


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    return {**request_tags(call.parameters.get("Tags")), **tag_keys(listed(call.parameters.get("TagKeys")))}


def also(call: Call, state: State) -> list[Judgement]:
    """Tags on creation are TagResource on what is made; a load balancer is asked about with its own service."""
    if call.operation.startswith("Create") and call.parameters.get("Tags") and (made := _own(call, state)):
        return [judgement("wafv2:TagResource", made, keys(call, state))]
    arn = call.parameters.get("ResourceArn") or ""
    if ":elasticloadbalancing:" not in arn:
        return []
    balancer = _by_arn(call, state, arn)
    return [judgement(f"elasticloadbalancing:{right}", balancer) for right in _OF_BALANCER.get(call.operation, ())]
