"""Run all checks and print docs/conformance.md: `python rehearsal/aws/conformance/report.py > docs/conformance.md`."""

import sys
import unittest

from claims import Check, checks, every_test

HEADER = """# What the embedded AWS is held to

Each line is a sentence of AWS's documentation and the check that the embedded AWS passes, or does not pass yet.
`python rehearsal/aws/conformance/report.py` runs them and writes this page; `python -m unittest discover -s
rehearsal/aws/conformance` runs them too. A check that fails is a fault of the embedded AWS, to be mended there.
"""
HOLDS, FAILS, NOT_YET, SKIPPED = "as on AWS", "**not as on AWS**", "not yet", "not run"


def row(check: Check, result: str) -> str:
    """One line of the table."""
    text = check.claim.text.replace("|", "\\|")
    return f"| {text} | [{_title(check.claim.page)}]({check.claim.page}) | {result} |"


def _title(page: str) -> str:
    return page.rstrip("/").rsplit("/", 1)[-1].removesuffix(".html")


def page(found: list[Check], results: dict[str, str]) -> str:
    """The whole page; results by the test's id, as far as there are any."""
    lines = [HEADER]
    area = ""
    for check in found:
        if check.area != area:
            area = check.area
            lines += [f"\n## {area}\n", "| AWS says | page | here |", "|---|---|---|"]
        lines.append(row(check, results.get(check.test_id, NOT_YET if check.not_yet else HOLDS)))
    return "\n".join(lines) + "\n"


def main() -> None:
    found = checks()
    wanted = {check.test_id for check in found}
    suite = unittest.TestSuite(
        test for test in every_test(unittest.TestLoader().discover(sys.path[0])) if test.id() in wanted
    )
    outcome = unittest.TextTestRunner(stream=sys.stderr, verbosity=1).run(suite)
    results = {test.id(): SKIPPED for test, _ in outcome.skipped}
    for test, _ in outcome.failures + outcome.errors:
        # A sub-test's id begins with its test's.
        results[test.id().split(" ")[0]] = FAILS
    for test in outcome.unexpectedSuccesses:
        results[test.id()] = FAILS
    sys.stdout.write(page(found, results))
    sys.exit(not outcome.wasSuccessful())


if __name__ == "__main__":
    main()
