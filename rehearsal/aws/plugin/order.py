"""REHEARSAL_ORDER: independent resources in another order, to find a DependsOn that is missing.

CloudFormation works on everything that is ready at once; MiniStack always takes the alphabet's first.
"""

import random
from collections.abc import Callable

from ministack.services.cloudformation import changesets, engine, stacks

CUSTOM_FIRST = "custom-first"

_sort: Callable[[dict, dict], list[str]] = engine._topological_sort


def install(order: str | None) -> None:
    """Sort by order: "custom-first", an integer seed as text, or None for MiniStack's own order."""
    if order is None:
        return

    def reordered(resources: dict, conditions: dict) -> list[str]:
        names = _sort(resources, conditions)
        needs = {n: engine._extract_deps(resources[n], set(names)) & set(names) - {n} for n in names}
        custom = {n for n in names if is_custom(resources[n].get("Type", ""))}
        first = closure(custom, needs) if order == CUSTOM_FIRST else set()
        return arrange(needs, first, random.Random(order))

    for module in (engine, stacks, changesets):
        module._topological_sort = reordered


def is_custom(resource_type: str) -> bool:
    """Whether a function makes resources of this type."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


def closure(names: set[str], needs: dict[str, set[str]]) -> set[str]:
    """names and all that they need, directly or not."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(needs[name])
    return found


def arrange(needs: dict[str, set[str]], first: set[str], chance: random.Random) -> list[str]:
    """An order in which everything comes after what it needs, those of first as early as that allows."""
    left = dict(needs)
    order: list[str] = []
    while left:
        ready = sorted(name for name, wanted in left.items() if not wanted & left.keys())
        name = chance.choice([r for r in ready if r in first] or ready)
        order.append(name)
        del left[name]
    return order
