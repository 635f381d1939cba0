"""Who uses a target group: asked of the listeners and rules each time, so that nothing can be stale."""

from ministack.services import alb


def targets_of(actions: list[dict]) -> set[str]:
    """The target groups that actions forward to."""
    found = {action["TargetGroupArn"] for action in actions if action.get("TargetGroupArn")}
    for action in actions:
        tuples = (action.get("ForwardConfig") or {}).get("TargetGroups", [])
        found |= {each["TargetGroupArn"] for each in tuples if each.get("TargetGroupArn")}
    return found


def listeners_of(arn: str) -> list[str]:
    """The listeners whose default action forwards to a target group."""
    return [each["ListenerArn"] for each in alb._listeners.values() if arn in targets_of(each["DefaultActions"])]


def rules_of(arn: str) -> list[str]:
    """The rules that forward to a target group."""
    return [each["RuleArn"] for each in alb._rules.values() if arn in targets_of(each["Actions"])]


def balancers_of(arn: str) -> list[str]:
    """The load balancers that send requests to a target group; AWS allows one."""
    behind = set(listeners_of(arn)) | {alb._rules[rule]["ListenerArn"] for rule in rules_of(arn)}
    return sorted({each["LoadBalancerArn"] for each in alb._listeners.values() if each["ListenerArn"] in behind})
