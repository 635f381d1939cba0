"""Listeners and rules: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/."""

import random

from ministack.services import alb

from . import balancers, users
from .wire import Refusal, answer, page

_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP")}
_SECURE = ("HTTPS", "TLS")
_POLICY = "ELBSecurityPolicy-2016-08"


def install() -> None:
    """Answer the actions on listeners and rules."""
    answer("CreateListener", _create)
    answer("DescribeListeners", _describe)
    answer("ModifyListener", _modify)
    answer("DeleteListener", _delete)
    answer("CreateRule", _create_rule)
    answer("DescribeRules", _describe_rules)
    answer("ModifyRule", _modify_rule)
    answer("DeleteRule", _delete_rule)


def _known(arn: str) -> dict:
    listener = alb._listeners.get(arn)
    if listener is None:
        raise Refusal("ListenerNotFound", f"One or more listeners not found: '{arn}'")
    return listener


def _known_rule(arn: str) -> dict:
    rule = alb._rules.get(arn)
    if rule is None:
        raise Refusal("RuleNotFound", f"One or more rules not found: '{arn}'")
    return rule


def _check_actions(actions: list[dict], balancer: dict) -> list[dict]:
    """The actions as ELB stores them: a forward to one group has both forms."""
    if not actions:
        raise Refusal("ValidationError", "You must specify at least one action")
    stored = []
    for order, given in enumerate(actions, 1):
        action = {"Order": order, **given}
        groups = sorted(users.targets_of([action]))
        if action["Type"] == "forward":
            if not groups:
                raise Refusal("ValidationError", "A target group must be specified for a forward action")
            if "ForwardConfig" not in action:
                action["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": groups[0], "Weight": 1}]}
            weighted = [{"Weight": 1, **each} for each in action["ForwardConfig"]["TargetGroups"]]
            stickiness = {"TargetGroupStickinessConfig": {"Enabled": False}, **action["ForwardConfig"]}
            action["ForwardConfig"] = {**stickiness, "TargetGroups": weighted}
            if len(groups) == 1:
                action["TargetGroupArn"] = groups[0]
        for arn in groups:
            _check_target_group(arn, balancer)
        stored.append(action)
    return stored


def _check_target_group(arn: str, balancer: dict) -> None:
    group = alb._tgs.get(arn)
    if group is None:
        raise Refusal("TargetGroupNotFound", f"One or more target groups not found: '{arn}'")
    if group["Protocol"] not in _PROTOCOLS.get(balancer["Type"], ()):
        text = f"The following target groups have protocols that are incompatible with the load balancer type: '{arn}'"
        raise Refusal("InvalidConfigurationRequest", text)
    if group["VpcId"] != balancer["VpcId"]:
        text = f"The following target groups are in a different VPC than load balancer: '{arn}'"
        raise Refusal("InvalidConfigurationRequest", text)
    if any(other != balancer["LoadBalancerArn"] for other in users.balancers_of(arn)):
        text = f"The following target groups cannot be associated with more than one load balancer: {arn}"
        raise Refusal("TargetGroupAssociationLimit", text)


def _check_listener(request: dict, balancer: dict, own: str = "") -> None:
    allowed, protocol = _PROTOCOLS.get(balancer["Type"], ()), request.get("Protocol")
    if protocol not in allowed:
        raise Refusal("ValidationError", f"Listener protocol '{protocol}' must be one of '{', '.join(allowed)}'")
    if protocol in _SECURE and not request.get("Certificates"):
        raise Refusal("ValidationError", f"A certificate must be specified for {protocol} listeners")
    for other in alb._listeners.values():
        same = (other["LoadBalancerArn"], other["Port"]) == (balancer["LoadBalancerArn"], request.get("Port"))
        if same and other["ListenerArn"] != own:
            text = f"A listener already exists on this port for this load balancer '{balancer['LoadBalancerArn']}'"
            raise Refusal("DuplicateListener", text)


def _create(request: dict) -> dict:
    balancer = balancers.known(request["LoadBalancerArn"])
    _check_listener(request, balancer)
    actions = _check_actions(request["DefaultActions"], balancer)
    arn = f"{balancer['LoadBalancerArn'].replace(':loadbalancer/', ':listener/')}/{random.getrandbits(64):016x}"
    listener = {
        "ListenerArn": arn,
        "LoadBalancerArn": balancer["LoadBalancerArn"],
        "Port": request["Port"],
        "Protocol": request["Protocol"],
        "DefaultActions": actions,
        **_secured(request),
    }
    alb._listeners[arn] = listener
    alb._listener_attrs[arn] = [{"Key": "routing.http.response.server.enabled", "Value": "true"}]
    if balancer["Type"] == "network":
        alb._listener_attrs[arn] = [{"Key": "tcp.idle_timeout.seconds", "Value": "350"}]
    alb._tags[arn] = request.get("Tags", [])
    _add_rule(arn, "default", [], actions, [])
    return {"Listeners": [_view(listener)]}


def _secured(request: dict) -> dict:
    """MiniStack keeps certificates as ARNs."""
    if request.get("Protocol") not in _SECURE:
        return {}
    arns = [each["CertificateArn"] for each in request.get("Certificates", [])]
    return {"Certificates": arns, "SslPolicy": request.get("SslPolicy", _POLICY)}


def _view(listener: dict) -> dict:
    certificates = [{"CertificateArn": arn} for arn in listener.get("Certificates", [])]
    return {**listener, "Certificates": certificates or None}


def _describe(request: dict) -> dict:
    arns, balancer = request.get("ListenerArns"), request.get("LoadBalancerArn")
    if not arns and not balancer:
        raise Refusal("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
    if balancer:
        balancers.known(balancer)
    found = [_known(arn) for arn in arns] if arns else list(alb._listeners.values())
    views = [_view(each) for each in found if not balancer or each["LoadBalancerArn"] == balancer]
    items, marker = page(views, request)
    return {"Listeners": items, "NextMarker": marker}


def _modify(request: dict) -> dict:
    listener = _known(request["ListenerArn"])
    balancer = balancers.known(listener["LoadBalancerArn"])
    kept = [{"CertificateArn": arn} for arn in listener.get("Certificates", [])]
    wanted = {
        "Port": request.get("Port", listener["Port"]),
        "Protocol": request.get("Protocol", listener["Protocol"]),
        "Certificates": request.get("Certificates", kept),
        "SslPolicy": request.get("SslPolicy", listener.get("SslPolicy", _POLICY)),
    }
    _check_listener(wanted, balancer, listener["ListenerArn"])
    if "DefaultActions" in request:
        listener["DefaultActions"] = _check_actions(request["DefaultActions"], balancer)
        for rule in alb._rules.values():
            if rule["ListenerArn"] == listener["ListenerArn"] and rule["IsDefault"]:
                rule["Actions"] = listener["DefaultActions"]
    listener |= {"Port": wanted["Port"], "Protocol": wanted["Protocol"], **_secured(wanted)}
    return {"Listeners": [_view(listener)]}


def _delete(request: dict) -> dict:
    listener = _known(request["ListenerArn"])
    arn = listener["ListenerArn"]
    for rule in [r["RuleArn"] for r in alb._rules.values() if r["ListenerArn"] == arn]:
        alb._rules.pop(rule, None)
        alb._tags.pop(rule, None)
    for store in (alb._listeners, alb._listener_attrs, alb._tags):
        store.pop(arn, None)
    return {}


# --- rules


def _add_rule(listener: str, priority: str, conditions: list[dict], actions: list[dict], tags: list[dict]) -> dict:
    arn = f"{listener.replace(':listener/', ':listener-rule/')}/{random.getrandbits(64):016x}"
    rule = {
        "RuleArn": arn,
        "ListenerArn": listener,
        "Priority": priority,
        "Conditions": conditions,
        "Actions": actions,
        "IsDefault": priority == "default",
        "Transforms": [],
    }
    alb._rules[arn] = rule
    alb._tags[arn] = tags
    return rule


def _conditions(conditions: list[dict]) -> list[dict]:
    """The conditions as ELB stores them: both the plain values and those of the field's own kind."""
    stored = []
    for condition in conditions:
        config = next((v for k, v in condition.items() if k in ("HostHeaderConfig", "PathPatternConfig")), {})
        values = condition.get("Values") or config.get("Values", [])
        if condition.get("Field") in ("host-header", "path-pattern") and not values:
            raise Refusal("ValidationError", "A condition value must be specified")
        stored.append({**condition, "Values": values})
    return stored


def _balancer_of(listener: dict) -> dict:
    balancer = balancers.known(listener["LoadBalancerArn"])
    if balancer["Type"] != "application":
        raise Refusal("UnsupportedOperation", "Rules are unsupported for network load balancers")
    return balancer


def _create_rule(request: dict) -> dict:
    listener = _known(request["ListenerArn"])
    balancer = _balancer_of(listener)
    priority = str(request["Priority"])
    for rule in alb._rules.values():
        if rule["ListenerArn"] == listener["ListenerArn"] and rule["Priority"] == priority:
            raise Refusal("PriorityInUse", f"Priority '{priority}' is currently in use")
    actions = _check_actions(request["Actions"], balancer)
    conditions = _conditions(request["Conditions"])
    return {"Rules": [_add_rule(listener["ListenerArn"], priority, conditions, actions, request.get("Tags", []))]}


def _describe_rules(request: dict) -> dict:
    arns, listener = request.get("RuleArns"), request.get("ListenerArn")
    if not arns and not listener:
        raise Refusal("ValidationError", "You must specify either listener rule ARNs or a listener ARN")
    if listener:
        _known(listener)
    found = [_known_rule(arn) for arn in arns] if arns else list(alb._rules.values())
    items, marker = page([rule for rule in found if not listener or rule["ListenerArn"] == listener], request)
    return {"Rules": items, "NextMarker": marker}


def _modify_rule(request: dict) -> dict:
    rule = _known_rule(request["RuleArn"])
    if rule["IsDefault"]:
        raise Refusal("OperationNotPermitted", f"Default rule '{rule['RuleArn']}' cannot be modified")
    if not request.get("Actions") and not request.get("Conditions"):
        raise Refusal("ValidationError", "You must provide either conditions, actions, or transforms")
    if request.get("Actions"):
        rule["Actions"] = _check_actions(request["Actions"], _balancer_of(_known(rule["ListenerArn"])))
    if request.get("Conditions"):
        rule["Conditions"] = _conditions(request["Conditions"])
    return {"Rules": [rule]}


def _delete_rule(request: dict) -> dict:
    rule = _known_rule(request["RuleArn"])
    if rule["IsDefault"]:
        raise Refusal("OperationNotPermitted", f"Default rule '{rule['RuleArn']}' cannot be deleted")
    alb._rules.pop(rule["RuleArn"], None)
    alb._tags.pop(rule["RuleArn"], None)
    return {}
