"""Which of the items a describe call answers: filters, tags and pages.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html: values of a filter are alternatives, filters
must all match, * and ? are wildcards, and an unknown filter is refused.
"""

import base64
import fnmatch
from collections.abc import Iterator
from typing import Any

from .wire import Refusal

_UNLIMITED = 1_000_000


def select(items: list[dict], request: dict, filters: dict[str, str]) -> list[dict]:
    """The items that pass the request's filters. filters: where in an item each filter looks ("State.Name")."""
    wanted = [(f["Name"], f.get("Values", [])) for f in request.get("Filters", []) if f.get("Name")]
    for name, _ in wanted:
        if name not in filters and not _is_tag(name):
            raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
    return [item for item in items if all(_passes(item, name, values, filters) for name, values in wanted)]


def page(items: list[Any], request: dict, smallest: int, largest: int) -> tuple[list[Any], str | None]:
    """The page of items that the request asks for, and the token of the next one."""
    size = request.get("MaxResults", _UNLIMITED)
    if "MaxResults" in request and not smallest <= size <= largest:
        raise Refusal(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. "
            f"Expecting a value between {smallest} and {largest}.",
        )
    start = _offset(request.get("NextToken"))
    following = start + size
    token = base64.b64encode(str(following).encode()).decode() if following < len(items) else None
    return items[start:following], token


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except ValueError as problem:
        raise Refusal("InvalidParameterValue", "Value for parameter nextToken is invalid.") from problem


def _is_tag(name: str) -> bool:
    return name.startswith("tag:") or name in ("tag-key", "tag-value")


def _passes(item: dict, name: str, values: list[str], filters: dict[str, str]) -> bool:
    found = list(_tags(item, name) if _is_tag(name) else _at(item, filters[name].split(".")))
    return any(fnmatch.fnmatchcase(text, value.replace("[", "[[]")) for text in found for value in values)


def _tags(item: dict, name: str) -> Iterator[str]:
    for tag in item.get("Tags", []):
        if name == "tag-key":
            yield tag["Key"]
        elif name == "tag-value" or tag["Key"] == name.removeprefix("tag:"):
            yield tag["Value"]


def _at(value: Any, path: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from _at(value[path[0]], path[1:])
    elif isinstance(value, bool):
        yield str(value).lower()
    elif value is not None:
        yield str(value)
