"""The check of MiniStack's version and names."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent


def check(*changes: tuple[str, str]) -> subprocess.CompletedProcess:
    """Run the check on a copy of the plug-in's sources, changed."""
    with tempfile.TemporaryDirectory() as directory:
        plugin = Path(directory) / "plugin"
        plugin.mkdir()
        for source in (SOURCES / "plugin").glob("*.py"):
            text = source.read_text()
            for before, after in changes:
                text = text.replace(before, after)
            (plugin / source.name).write_text(text)
        return subprocess.run(
            [sys.executable, "-c", "from plugin import versions; versions.check()"],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": directory, "TMPDIR": directory},
            capture_output=True,
            text=True,
            check=False,
        )


class Versions(unittest.TestCase):
    def test_what_is_installed_fits(self) -> None:
        done = check()
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_another_version_or_a_missing_name_is_told(self) -> None:
        cases = {
            "another version": (('"ministack": "1.5.33"', '"ministack": "1.5.34"'), "ministack is 1.5.33, not 1.5.34"),
            "a name that is gone": (
                ("eks._create_cluster", "eks._make_cluster"),
                "MiniStack lacks what the plug-in uses: ministack.services.eks._make_cluster",
            ),
            "a module that is gone": (
                ("import eks, iam, sts", "import eks, iam, token_service"),
                "ministack.services.token_service",
            ),
        }
        for name, (change, wanted) in cases.items():
            with self.subTest(name):
                done = check(change)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(wanted, done.stderr)
