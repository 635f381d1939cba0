"""How the embedded AWS starts and ends."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest
from pathlib import Path

import parts
from bootstrap import BOOTSTRAP
from embedded import LAUNCH, EmbeddedAWS

# It must end within about a second; a busy machine gets more.
END_SECONDS = 5.0


def listening_addresses(pid: int) -> set[str]:
    """The local addresses (hexadecimal, as /proc has them) on which a process listens."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].split(":")[0])
    return found


class Lifetime(unittest.TestCase):
    def _with_a_function(self) -> EmbeddedAWS:
        aws = EmbeddedAWS()
        self.addCleanup(aws.stop)
        aws.publish("code", "function.zip", {"bootstrap": BOOTSTRAP})
        template = {"Resources": {"Role": parts.role(), "Function": parts.function(), "Thing": parts.custom()}}
        self.assertEqual(aws.deploy("s", template), "CREATE_COMPLETE", aws.reasons("s"))
        return aws

    def test_it_listens_on_loopback_only(self) -> None:
        aws = self._with_a_function()
        self.assertEqual(listening_addresses(aws.process.pid), {"0100007F"})

    def test_it_speaks_http_1(self) -> None:
        """As AWS does; with HTTP/2 the server stopped in the middle of long answers."""
        aws = EmbeddedAWS()
        self.addCleanup(aws.stop)
        context = ssl.create_default_context(cafile=str(aws.certificate))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", aws.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            self.assertEqual(secure.selected_alpn_protocol(), "http/1.1")

    def test_it_ends_with_its_children(self) -> None:
        ends = {
            "when standard input ends": lambda aws: aws.process.stdin.close(),
            "on SIGTERM": lambda aws: aws.process.send_signal(signal.SIGTERM),
        }
        for name, end in ends.items():
            with self.subTest(name):
                aws = self._with_a_function()
                children = aws.children()
                self.assertTrue(children)
                started = time.monotonic()
                end(aws)
                self.assertEqual(aws.process.wait(END_SECONDS), 0)
                self.assertLess(time.monotonic() - started, END_SECONDS)
                self.assertEqual([pid for pid in children if Path(f"/proc/{pid}").exists()], [])

    def test_unsafe_environment_is_refused_in_one_line(self) -> None:
        good = {
            "PATH": os.environ["PATH"],
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
            "GATEWAY_PORT": "1",
            "AWS_CA_BUNDLE": "/x",
            "HOME": "/tmp",
            "TMPDIR": "/tmp",
            "REHEARSAL_STATE": "/tmp",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        cases = {
            "an endpoint elsewhere": (
                {"AWS_ENDPOINT_URL": "https://sts.amazonaws.com"},
                "AWS_ENDPOINT_URL must be on loopback",
            ),
            "an endpoint that only looks like loopback": (
                {"AWS_ENDPOINT_URL": "https://127.0.0.1.example.org"},
                "AWS_ENDPOINT_URL must be on loopback",
            ),
            "all interfaces": ({"BIND_HOST": "0.0.0.0"}, "BIND_HOST must be 127.0.0.1"),
            "no IAM": ({"AUTH": "false"}, "AUTH must be true"),
            "no state": ({"REHEARSAL_STATE": "/nowhere"}, "is no directory"),
            "an order that is none": ({"REHEARSAL_ORDER": "backwards"}, "custom-first or an integer"),
            "a localkube that is none": ({"REHEARSAL_LOCALKUBE": "/nowhere"}, "cannot be executed"),
        }
        for name, (change, wanted) in cases.items():
            with self.subTest(name):
                ended = subprocess.run(
                    [sys.executable, str(LAUNCH)], env={**good, **change}, capture_output=True, text=True, check=False
                )
                self.assertEqual(ended.returncode, 1)
                self.assertIn(wanted, ended.stderr)
                self.assertEqual(len(ended.stderr.strip().splitlines()), 1, ended.stderr)
