"""REHEARSAL_ORDER: what does not depend on each other comes in another order."""

import itertools
import unittest

import parts
from bootstrap import BOOTSTRAP
from embedded import EmbeddedAWS

NAMES = [f"Group{n}" for n in range(8)]
PLAIN = {name: {"Type": "AWS::Logs::LogGroup", "Properties": {}} for name in NAMES}


def order_of(order: str | None, resources: dict) -> list[str]:
    """Deploy with that order, and tell in which the resources were made."""
    with EmbeddedAWS(order=order) as aws:
        aws.publish("code", "function.zip", {"bootstrap": BOOTSTRAP})
        status = aws.deploy("ordered", {"Resources": resources})
        assert status == "CREATE_COMPLETE", aws.reasons("ordered")
        return [who for who, what, _ in aws.events("ordered") if what == "CREATE_COMPLETE" and who != "ordered"]


class Order(unittest.TestCase):
    def test_seed_decides(self) -> None:
        first, again, other = order_of("1", PLAIN), order_of("1", PLAIN), order_of("2", PLAIN)
        self.assertEqual(sorted(first), NAMES)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertNotEqual(first, NAMES)

    def test_custom_first_puts_custom_resources_and_their_needs_before_all_else(self) -> None:
        resources = {**PLAIN, "Role": parts.role(), "Function": parts.function(), "Thing": parts.custom()}
        self.assertEqual(order_of("custom-first", resources)[:3], ["Role", "Function", "Thing"])

    def test_depends_on_holds_in_any_order(self) -> None:
        chained = {name: {**part} for name, part in PLAIN.items()}
        for before, after in itertools.pairwise(NAMES):
            chained[before]["DependsOn"] = after
        self.assertEqual(order_of("3", chained), NAMES[::-1])
