"""Answers of custom resources: only the first counts, and NoEcho hides what it says.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from typing import Any

from ministack.services.cloudformation import custom_resource, stacks

_MASK = "*****"

_deliver = custom_resource.deliver_response
_invoke = custom_resource.invoke_custom_resource
_resolve_outputs = stacks._resolve_stack_outputs

# The tokens of ResponseURLs that had an answer.
_answered: set[str] = set()
# The resources whose last answer had NoEcho, by stack id and logical id.
_hidden: set[tuple[str, str]] = set()


def install() -> None:
    """Wrap delivery, invocation and a stack's outputs; after custom_resources, whose checks the answers pass."""
    global _deliver, _invoke
    _deliver, _invoke = custom_resource.deliver_response, custom_resource.invoke_custom_resource
    custom_resource.deliver_response = _deliver_first
    custom_resource.invoke_custom_resource = _invoke_with_words
    stacks._resolve_stack_outputs = _resolve_masked


def _deliver_first(token: str, response: dict) -> bool:
    """A presigned URL takes any number of answers; CloudFormation has gone on after the first."""
    if token in _answered:
        return True
    _answered.add(token)
    resource = (str(response.get("StackId")), str(response.get("LogicalResourceId")))
    if str(response.get("NoEcho", "")).lower() == "true":
        _hidden.add(resource)
    else:
        _hidden.discard(resource)
    return _deliver(token, response)


def _invoke_with_words(*arguments: Any, **more: Any) -> tuple[str, dict]:
    try:
        return _invoke(*arguments, **more)
    except TimeoutError as late:
        raise TimeoutError(
            f"CloudFormation did not receive a response from your Custom Resource. Please check your logs. ({late})"
        ) from late


def _resolve_masked(
    definitions: dict, conditions: dict, resources: dict, values: dict, mappings: dict, stack_name: str, stack_id: str
) -> tuple:
    masked = {
        name: {**record, "Attributes": dict.fromkeys(record.get("Attributes") or {}, _MASK)}
        for name, record in resources.items()
        if (stack_id, name) in _hidden
    }
    return _resolve_outputs(definitions, conditions, {**resources, **masked}, values, mappings, stack_name, stack_id)
