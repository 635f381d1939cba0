"""Custom resources, where MiniStack's protocol is not yet that of CloudFormation.

- A Create that failed gets its Delete in the stack's rollback; if that fails too, the stack ends ROLLBACK_FAILED.
- A function that ends without an answer fails its resource at once: AWS would invoke it twice more and then wait
  for the ServiceTimeout, which is of no use in a rehearsal.
- A function in a network without a way out fails its resource at once, where AWS would wait likewise.
"""

import json
import uuid
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

from . import egress, half_made

_LONGEST_BODY = 300

_invoke = custom_resource.invoke_custom_resource
_deliver = custom_resource.deliver_response
_execute = lambda_svc._execute_function_with_config_scope

# The physical id of the last answer, by stack id and logical id, while a resource is being made.
_answers: dict[tuple[str, str], str] = {}


def install() -> None:
    """Wrap invocation, answer and execution."""
    custom_resource.invoke_custom_resource = _invoke_custom_resource
    custom_resource.deliver_response = _deliver_response
    lambda_svc._execute_function_with_config_scope = _execute_function


def _deliver_response(token: str, response: dict) -> bool:
    physical_id = response.get("PhysicalResourceId")
    if physical_id:
        _answers[response.get("StackId", ""), response.get("LogicalResourceId", "")] = physical_id
    return _deliver(token, response)


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
    result = _execute(record, event)
    if isinstance(event, dict) and result.get("error"):
        token = str(event.get("ResponseURL", "")).rsplit("/", 1)[-1]
        pending = custom_resource._pending.get(token)
        if pending is not None and pending["result"] is None:
            body = json.dumps(result.get("body"))[:_LONGEST_BODY]
            _deliver(token, {"Status": "FAILED", "Reason": f"the function ended without an answer: {body}"})
    return result
