"""What a check claims of AWS: a sentence, the page of AWS's documentation that says it, and what it is about."""

import inspect
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ATTRIBUTE = "_conformance_claim"
PAGES = (
    "https://docs.aws.amazon.com/",
    "https://repost.aws/",
    "https://aws.amazon.com/",
    # AWS's own workshop: https://github.com/aws-samples/eks-workshop-v2.
    "https://www.eksworkshop.com/",
)


@dataclass(frozen=True)
class Claim:
    """One sentence of AWS.

    about: the resource types ("AWS::EC2::VPC") and IAM actions ("s3:GetObject") that the check uses.
    """

    text: str
    page: str
    about: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """A claim and the test that holds the embedded AWS to it."""

    area: str
    test_id: str
    claim: Claim
    not_yet: bool


def claim(text: str, page: str, *about: str) -> Callable:
    """Mark a test method as the check of one claim."""
    if not page.startswith(PAGES):
        raise ValueError(f"{page} is no page of AWS")

    def mark(method: Callable) -> Callable:
        setattr(method, _ATTRIBUTE, Claim(text, page, about))
        return method

    return mark


def every_test(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """The tests in a suite of suites."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from every_test(test)
        else:
            yield test


def checks() -> list[Check]:
    """All checks of this folder, by area, in the order in which they are written."""
    found = []
    for test in every_test(unittest.TestLoader().discover(str(Path(__file__).parent))):
        method = getattr(test, test.id().rsplit(".", 1)[-1], None)
        made = getattr(method, _ATTRIBUTE, None)
        if made:
            # expectedFailure marks the method; which of the two decorators stands first does not matter.
            not_yet = getattr(method, "__unittest_expecting_failure__", False)
            line = inspect.getsourcelines(inspect.unwrap(method))[1]
            found.append((test.area, line, Check(test.area, test.id(), made, not_yet)))
    return [check for _, _, check in sorted(found, key=lambda each: each[:2])]
