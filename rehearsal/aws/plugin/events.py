"""EventBridge: a rule sends only where it may, and is not deleted with targets.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
"""

import logging
from typing import Any

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import eventbridge, sqs

_PRINCIPAL = "events.amazonaws.com"

_invoke_target = eventbridge._invoke_target
_delete_rule = eventbridge._delete_rule
_logger = logging.getLogger("rehearsal")


def install() -> None:
    """Wrap delivery and DeleteRule."""
    eventbridge._invoke_target = _invoke_if_allowed
    eventbridge._delete_rule = _delete_without_targets


def _invoke_if_allowed(target: dict, event: dict, rule: dict, *more: Any) -> None:
    arn = target.get("Arn", "")
    if arn.startswith("arn:aws:sqs:") and not sqs.queue_policy_allows(arn, _PRINCIPAL, rule["Arn"], get_account_id()):
        _logger.warning("the policy of %s does not let the rule %s send to it", arn, rule["Arn"])
        return
    _invoke_target(target, event, rule, *more)


def _delete_without_targets(data: dict) -> tuple:
    key = eventbridge._rule_key(data.get("Name"), data.get("EventBusName", "default"))
    if eventbridge._targets.get(key):
        return error_response_json("ValidationException", "Rule can't be deleted since it has targets.", 400)
    return _delete_rule(data)
