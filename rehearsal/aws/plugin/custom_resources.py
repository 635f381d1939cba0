"""Custom resources, where MiniStack's protocol is not yet that of CloudFormation.

- A Create that failed gets its Delete in the stack's rollback; if that fails too, the stack ends ROLLBACK_FAILED.
- A function that ends without an answer fails its resource at once: AWS would invoke it twice more and then wait
  for the ServiceTimeout, which is of no use in a rehearsal.
- An answer that CloudFormation would not take is not taken.
- The ServiceTimeout runs from the invocation on, not from the function's end.
- A function in a network without a way out fails its resource at once, where AWS would wait likewise.
"""

import contextvars
import json
import threading
import uuid
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

from . import egress, half_made

_LONGEST_BODY = 300

_invoke = custom_resource.invoke_custom_resource
_deliver = custom_resource.deliver_response
_execute = lambda_svc._execute_function_with_config_scope

_DEFAULT_SERVICE_TIMEOUT = 3600

# Set while a stack waits for a custom resource: its ServiceTimeout in seconds.
_waiting: contextvars.ContextVar[float | None] = contextvars.ContextVar("rehearsal_service_timeout", default=None)

_LONGEST_ANSWER = 4096
_LONGEST_ID = 1024
_ECHOED = ("StackId", "RequestId", "LogicalResourceId")

# The events that functions have not answered yet, by the token in their ResponseURL.
_asked: dict[str, dict] = {}

# The physical id of the last answer, by stack id and logical id, while a resource is being made.
_answers: dict[tuple[str, str], str] = {}


def install() -> None:
    """Wrap invocation, answer and execution."""
    custom_resource.invoke_custom_resource = _invoke_custom_resource
    custom_resource.deliver_response = _deliver_response
    lambda_svc._execute_function_with_config_scope = _execute_function


def _deliver_response(token: str, response: dict) -> bool:
    refused = refusal(_asked.get(token), response)
    physical_id = response.get("PhysicalResourceId")
    if physical_id and not refused:
        _answers[response["StackId"], response["LogicalResourceId"]] = physical_id
    known = _deliver(token, {"Status": "FAILED", "Reason": refused} if refused else response)
    _asked.pop(token, None)
    return known


def refusal(event: dict | None, response: dict) -> str:
    """Why CloudFormation does not take a function's answer to an event; an empty text if it does."""
    if response.get("Status") not in ("SUCCESS", "FAILED"):
        return f"Invalid Status {response.get('Status')!r} in the answer: it must be SUCCESS or FAILED"
    for member in _ECHOED:
        if event and response.get(member) != event[member]:
            return f"Invalid {member} {response.get(member)!r} in the answer: the event has {event[member]!r}"
    # The shortest way to write it: an answer that is longer than this was longer on its way.
    if len(json.dumps(response, separators=(",", ":"), ensure_ascii=False).encode()) > _LONGEST_ANSWER:
        return f"Response object is too long. (more than {_LONGEST_ANSWER} bytes)"
    physical_id = response.get("PhysicalResourceId")
    if response["Status"] == "SUCCESS" and not (isinstance(physical_id, str) and 0 < len(physical_id) <= _LONGEST_ID):
        return f"Invalid PhysicalResourceId {physical_id!r} in the answer: 1 to {_LONGEST_ID} characters are wanted"
    if response["Status"] == "FAILED" and not response.get("Reason"):
        return "Reason is missing in an answer with the Status FAILED"
    if not isinstance(response.get("Data") or {}, dict):
        return "Invalid Data in the answer: it must be an object"
    return ""


def _invoke_custom_resource(
    request_type: str,
    logical_id: str,
    properties: dict,
    stack_name: str,
    stack_id: str,
    resource_type: str,
    **more: Any,
) -> tuple[str, dict]:
    _answers.pop((stack_id, logical_id), None)
    _refuse_without_egress(request_type, properties.get("ServiceToken", ""))
    limit = _waiting.set(float(properties.get("ServiceTimeout") or _DEFAULT_SERVICE_TIMEOUT))
    try:
        return _invoke(request_type, logical_id, properties, stack_name, stack_id, resource_type, **more)
    except ValueError:
        # There is no such function: nothing was invoked, so there is nothing to delete.
        raise
    except Exception:
        if request_type == "Create":
            # Without an id of the function's own CloudFormation makes one up, and sends the Delete with it.
            physical_id = _answers.get((stack_id, logical_id)) or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12]}"
            half_made.remember(stack_name, logical_id, resource_type, physical_id, properties)
        raise
    finally:
        _waiting.reset(limit)
        _answers.pop((stack_id, logical_id), None)


def _refuse_without_egress(request_type: str, service_token: str) -> None:
    _, config, name = lambda_svc._get_func_record_for_ref(service_token)
    obstacle = egress.obstacle((config or {}).get("VpcConfig"))
    if obstacle:
        raise RuntimeError(
            f"the function {name} could not answer this {request_type} on AWS, and the stack would wait for the whole "
            f"ServiceTimeout: {obstacle}"
        )


def _execute_function(record: dict, event: Any) -> dict:
    """Execute; then, or when the ServiceTimeout is over, make sure that a waiting stack has its answer."""
    if _waiting.get() is not None:
        _asked[_token(event)] = event
    results: list[dict] = []
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=lambda: results.append(context.run(_execute, record, event)), daemon=True, name="function"
    )
    thread.start()
    thread.join(_waiting.get())
    if not results:
        request = event.get("RequestId") if isinstance(event, dict) else ""
        _answer_instead(
            event,
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
            f"[{request}]. (ServiceTimeout of {_waiting.get():.0f} s)",
        )
        return {}
    if results[0].get("error"):
        body = json.dumps(results[0].get("body"))[:_LONGEST_BODY]
        _answer_instead(event, f"the function ended without an answer: {body}")
    return results[0]


def _answer_instead(event: Any, reason: str) -> None:
    pending = custom_resource._pending.get(_token(event))
    if pending is not None and pending["result"] is None:
        _deliver(_token(event), {"Status": "FAILED", "Reason": reason})


def _token(event: Any) -> str:
    return str(event.get("ResponseURL", "")).rsplit("/", 1)[-1] if isinstance(event, dict) else ""
