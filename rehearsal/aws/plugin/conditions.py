"""The Conditions section of a template.

MiniStack knows Ref and Fn::Select in it; any other function is compared as if its text were the value, so a
condition on Fn::Join or Fn::Split is silently wrong.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import changesets, engine, handlers, stacks

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


def install() -> None:
    """Put the evaluation in place of MiniStack's."""
    for module in (engine, stacks, handlers, changesets):
        module._evaluate_conditions = evaluate


def evaluate(template: dict, parameters: dict) -> dict[str, bool]:
    """Return each condition's outcome.

    parameters: {name: {"Value": text}}, as the engine resolved them. ValueError says what a condition may not hold.
    """
    return _Evaluation(template, parameters).outcomes()


class _Evaluation:
    def __init__(self, template: dict, parameters: dict) -> None:
        self._definitions: dict = template.get("Conditions") or {}
        self._mappings: dict = template.get("Mappings") or {}
        self._declared: dict = template.get("Parameters") or {}
        self._parameters = parameters
        self._known: dict[str, bool] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::FindInMap": lambda arguments: engine.find_in_map(arguments, self._mappings, self._value),
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        self._tests: dict[str, Callable[[Any], bool]] = {
            # All of them, as AWS does: an error in one that does not matter is an error.
            "Fn::And": lambda arguments: all([self._test(argument) for argument in arguments]),  # noqa: C419
            "Fn::Or": lambda arguments: any([self._test(argument) for argument in arguments]),  # noqa: C419
            "Fn::Not": lambda arguments: not self._test(arguments[0]),
            "Fn::Equals": self._equals,
            "Condition": self._named,
        }

    def outcomes(self) -> dict[str, bool]:
        return {name: self._named(name) for name in self._definitions}

    def _named(self, name: str) -> bool:
        if name not in self._definitions:
            raise ValueError(f"Template format error: Unresolved condition dependency {name} in the Conditions block")
        if name not in self._known:
            self._known[name] = self._test(self._definitions[name])
        return self._known[name]

    def _test(self, expression: Any) -> bool:
        name, arguments = _call(expression)
        if name not in self._tests:
            raise ValueError(f"Template format error: {expression} is no condition")
        return self._tests[name](arguments)

    def _equals(self, arguments: list) -> bool:
        left, right = (self._value(argument) for argument in arguments)
        if isinstance(left, list | dict) or isinstance(right, list | dict):
            raise ValueError(
                "Template validation error: every Fn::Equals object requires a list of 2 string parameters"
            )
        return _text(left) == _text(right)

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict):
            return value
        name, arguments = _call(value)
        if name not in self._functions:
            raise ValueError(f"Template format error: {name} is not allowed in the Conditions block")
        return self._functions[name](arguments)

    def _ref(self, name: str) -> Any:
        if name in self._parameters:
            value = self._parameters[name]["Value"]
            kind = str(self._declared.get(name, {}).get("Type", ""))
            is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
            return [item.strip() for item in value.split(",")] if is_list and isinstance(value, str) else value
        pseudo = _pseudo_parameters()
        if name not in pseudo:
            raise ValueError(f"Template format error: Unresolved dependencies [{name}] in the Conditions block")
        return pseudo[name]

    def _join(self, arguments: list) -> str:
        delimiter, items = arguments
        return delimiter.join(_text(item) for item in self._value(items))

    def _split(self, arguments: list) -> list[str]:
        delimiter, text = arguments
        return _text(self._value(text)).split(delimiter)

    def _select(self, arguments: list) -> Any:
        index, items = self._value(arguments[0]), self._value(arguments[1])
        return engine._select(int(index), items)

    def _sub(self, arguments: Any) -> str:
        text, variables = arguments if isinstance(arguments, list) else (arguments, {})

        def replace(found: re.Match) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            return _text(self._value(variables[name]) if name in variables else self._ref(name))

        return _VARIABLE.sub(replace, text)


def _call(expression: Any) -> tuple[str, Any]:
    if not isinstance(expression, dict) or len(expression) != 1:
        raise ValueError(f"Template format error: {expression} is no intrinsic function")
    return next(iter(expression.items()))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pseudo_parameters() -> dict[str, str]:
    region = get_region()
    china = region.startswith("cn-")
    return {
        "AWS::AccountId": get_account_id(),
        "AWS::Partition": "aws-cn" if china else "aws-us-gov" if region.startswith("us-gov-") else "aws",
        "AWS::Region": region,
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
