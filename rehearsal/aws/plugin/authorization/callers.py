"""Keys of the caller that MiniStack does not know: the function whose code calls, and that nobody calls for another.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
"""

from typing import Any

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import lambda_svc

_credentials = lambda_runtime.execution_credentials
_resolve = iam_evaluator.resolve_principal

# Of each function's credentials: whose they are. They are the same whenever the function starts.
_functions: dict[str, str] = {}

_DIRECT = {"aws:viaawsservice": "false", "aws:principalisawsservice": "false"}


def install() -> None:
    """Complete the principals that MiniStack finds."""
    global _resolve
    _resolve = iam_evaluator.resolve_principal
    iam_evaluator.resolve_principal = _with_keys
    lambda_runtime.execution_credentials = _remember_function
    lambda_svc.execution_credentials = _remember_function


def _remember_function(config: dict) -> dict[str, str]:
    credentials = _credentials(config)
    _functions[credentials["AWS_ACCESS_KEY_ID"]] = config.get("FunctionArn", "")
    return credentials


def _with_keys(access_key_id: str, *arguments: Any, **more: Any) -> Any:
    found = _resolve(access_key_id, *arguments, **more)
    if isinstance(found, iam_evaluator.PrincipalInfo):
        found.keys.update(_DIRECT)
        function = _functions.get(access_key_id)
        if function:
            found.keys["lambda:sourcefunctionarn"] = function
    return found
