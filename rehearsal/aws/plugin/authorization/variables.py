"""Variables in policies, such as ${aws:PrincipalAccount}: MiniStack compares their text.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

They are resolved in Resource, NotResource, and the values of string and ARN conditions, of documents of the Version
2012-10-17. Of resources' own policies MiniStack does not tell the version: there they stay text, and match nothing.
"""

import dataclasses
import json
import re
from typing import Any

from ministack.core import iam_evaluator

_VERSION = "2012-10-17"  # the first that has variables
_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_OPERATORS = ("string", "arn")
_WILDCARDS = frozenset("*?")

# What no request has: a variable without a value is equal to nothing and like nothing.
_NOTHING = "\0"

_parse = iam_evaluator.parse_policy_document
_first_match = iam_evaluator._first_match


class WithVariables(iam_evaluator.ParsedStatement):
    """A statement of a document in which ${} is a variable."""


def install() -> None:
    """Resolve the variables of each statement when it is judged."""
    iam_evaluator.parse_policy_document = _parse_document
    iam_evaluator._first_match = _match


def _parse_document(document: Any) -> list[iam_evaluator.ParsedStatement]:
    statements = _parse(document)
    read = json.loads(document) if statements and isinstance(document, str) else document
    if not statements or read.get("Version") != _VERSION:
        return statements
    return [WithVariables(**vars(each)) if "${" in str(vars(each)) else each for each in statements]


def _match(
    context: iam_evaluator.EvalContext, statements: list[iam_evaluator.ParsedStatement], effect: str
) -> iam_evaluator.ParsedStatement | None:
    return _first_match(context, [_resolved(each, context) for each in statements], effect)


def _resolved(
    statement: iam_evaluator.ParsedStatement, context: iam_evaluator.EvalContext
) -> iam_evaluator.ParsedStatement:
    if not isinstance(statement, WithVariables):
        return statement
    return dataclasses.replace(
        statement,
        resources=[resolve(each, context) for each in statement.resources],
        not_resources=[resolve(each, context) for each in statement.not_resources],
        conditions={
            operator: {key: _values(value, context) for key, value in keys.items()} if _takes(operator) else keys
            for operator, keys in statement.conditions.items()
        },
    )


def _takes(operator: str) -> bool:
    return operator.lower().rpartition(":")[2].startswith(_OPERATORS)


def _values(value: Any, context: iam_evaluator.EvalContext) -> list[str]:
    return [resolve(str(each), context) for each in (value if isinstance(value, list) else [value])]


def resolve(text: str, context: iam_evaluator.EvalContext) -> str:
    """A text with the request's values for its variables; one that equals nothing where one of them has none.

    A value with a wildcard, also ${*} and ${?}, stands for itself with AWS; it cannot be said here and equals nothing.
    """
    found = [(match, _value(match[1], match[2], context)) for match in _VARIABLE.finditer(text)]
    if any(value is None or _WILDCARDS & set(value) for _, value in found):
        return _NOTHING
    for match, value in reversed(found):
        text = text[: match.start()] + str(value) + text[match.end() :]
    return text


def _value(name: str, default: str | None, context: iam_evaluator.EvalContext) -> str | None:
    if name in ("*", "?", "$"):
        return name
    value = iam_evaluator._resolve_condition_key(name, context)
    return default if value is None or isinstance(value, list) else str(value)
