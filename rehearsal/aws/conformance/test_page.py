"""docs/conformance.md, and that the checks touch all that the templates use."""

import re
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import claims
import report
import yaml

_ROOT = Path(__file__).resolve().parents[3]
_PAGE = _ROOT / "docs" / "conformance.md"
_TEMPLATES = [_ROOT / "quickstart.yaml", *sorted((_ROOT / "templates").glob("*.yaml"))]
_FEWEST = 80

# What no check uses, and why.
_UNCHECKED_TYPES: dict[str, str] = {}
_UNCHECKED_ACTIONS = {
    "arc-zonal-shift:GetManagedResource": "there is no zonal shift here; Karpenter's controller does not ask",
    "cloudformation:SetStackPolicy": "AWS lists it among a launch role's rights; Service Catalog sets no policy here",
    "pricing:GetProducts": "a price list is no contract: compute/pricing.py has figures, test_compute_pricing the API",
}

# The permission tables ask for each action of the templates what is allowed and what is denied; TestPermissions sees to
# it that none is missing. Here they count as checks of the action.
_TABLES = sorted((Path(__file__).resolve().parents[3] / "tests" / "e2e").glob("permissions*_test.go"))

_ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z]+")


def _values(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _values(value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value)


# A boundary gives no rights: the statements of the roles under it do.
_BOUNDARY = "WorkspaceBoundary"

# The launch roles of Service Catalog have the deployer's policies: the deployer's tests ask each of their statements.
_LAUNCH_ROLES = _ROOT / "templates" / "service-catalog-roles.yaml"
_DEPLOYER = sorted((_ROOT / "templates" / "deployer-policy").glob("*.json"))


def _used(templates: list[Path]) -> tuple[set[str], set[str]]:
    """The resource types and the IAM actions in the templates; policies may be JSON texts in Fn::Sub."""
    types, actions = set(), set()
    for path in templates:
        resources = yaml.safe_load(path.read_text(encoding="utf-8"))["Resources"]
        types |= {resource["Type"] for resource in resources.values()}
        for name, resource in resources.items():
            for key, value in _values({} if name == _BOUNDARY else resource):
                if key == "Action":
                    actions |= {str(one) for one in (value if isinstance(value, list) else [value])}
                elif key == "Fn::Sub":
                    text = value[0] if isinstance(value, list) else value
                    for found in re.findall(r'"Action":(\[[^\]]*\]|"[^"]*")', text):
                        actions |= set(re.findall(r'"([^"]+)"', found))
    return types, {action for action in actions if _ACTION.fullmatch(action)}


class Page(unittest.TestCase):
    def test_page_lists_exactly_the_checks(self) -> None:
        listed = [
            line.rpartition(" | ")[0] for line in _PAGE.read_text(encoding="utf-8").splitlines() if " | [" in line
        ]
        wanted = [report.row(check, "").rpartition(" | ")[0] for check in claims.checks()]
        self.assertEqual(listed, wanted, "run report.py and commit docs/conformance.md")

    def test_page_hides_no_fault(self) -> None:
        """What is not as on AWS must be marked in the code, with the reason."""
        self.assertNotIn(report.FAILS, _PAGE.read_text(encoding="utf-8"))

    def test_there_are_enough_checks(self) -> None:
        self.assertGreaterEqual(len(claims.checks()), _FEWEST)

    def test_no_sentence_stands_twice(self) -> None:
        texts = [(check.area, check.claim.text) for check in claims.checks()]
        self.assertEqual(sorted(texts), sorted(set(texts)))

    def test_every_test_is_a_check(self) -> None:
        areas = list(claims.every_test(unittest.TestLoader().discover(str(Path(__file__).parent))))
        plain = {test.id() for test in areas if hasattr(test, "area")} - {check.test_id for check in claims.checks()}
        self.assertEqual(plain, set())

    def test_templates_are_covered(self) -> None:
        about = {name for check in claims.checks() for name in check.claim.about}
        types, _ = _used(_TEMPLATES)
        _, actions = _used([path for path in _TEMPLATES if path != _LAUNCH_ROLES])
        _, launching = _used([_LAUNCH_ROLES])
        self.assertGreater(len(types), 20)
        self.assertGreater(len(actions), 20)
        self.assertEqual(sorted(types - about - _UNCHECKED_TYPES.keys()), [])
        asked = {action for table in _TABLES for action in _ACTION.findall(table.read_text(encoding="utf-8"))}
        self.assertEqual(sorted(actions - about - asked - _UNCHECKED_ACTIONS.keys()), [])
        deployer = {action for policy in _DEPLOYER for action in _ACTION.findall(policy.read_text(encoding="utf-8"))}
        self.assertEqual(sorted(launching - about - asked - deployer - _UNCHECKED_ACTIONS.keys()), [])
