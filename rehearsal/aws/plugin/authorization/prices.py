"""Services whose calls are judged on no resource: the price list."""

from typing import Any

from .call import Call, Subject
from .judgements import Judgement
from .state import State

JUDGED: frozenset[str] = frozenset()


def subjects(call: Call, state: State) -> list[Subject]:
    """None."""
    return []


def keys(call: Call, state: State) -> dict[str, Any]:
    """None."""
    return {}


def also(call: Call, state: State) -> list[Judgement]:
    """Nothing."""
    return []
