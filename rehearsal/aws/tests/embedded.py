"""An embedded AWS for tests: launch.py as a process, clients for it, and stacks."""

import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
import certificate
from botocore.exceptions import ClientError

LAUNCH = Path(__file__).resolve().parent.parent / "launch.py"
REGION = "us-east-1"
START_SECONDS = 20.0
STACK_SECONDS = 60.0
POLL_SECONDS = 0.05

LOCALKUBE = os.environ.get("REHEARSAL_LOCALKUBE", "")
NO_LOCALKUBE = "REHEARSAL_LOCALKUBE is not set: no cluster can be made"


class EmbeddedAWS:
    """One running launch.py. Use it as a context manager. settings: more of its environment variables."""

    def __init__(self, order: str | None = None, **settings: str) -> None:
        # Short: a cluster's Unix sockets must fit below it.
        self.state = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
        self.certificate, key = certificate.write(self.state)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"https://127.0.0.1:{self.port}"
        (self.state / "tmp").mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.state),
            "TMPDIR": str(self.state / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self.certificate),
            "MINISTACK_SSL_KEY": str(key),
            "SSL_CERT_FILE": str(self.certificate),
            "AWS_CA_BUNDLE": str(self.certificate),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "REHEARSAL_STATE": str(self.state),
            "REHEARSAL_LOCALKUBE": LOCALKUBE,
            "REHEARSAL_STOP_ON_EOF": "1",
            "REHEARSAL_ORDER": order or "",
            **settings,
        }
        with open(self.state / "aws.log", "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(LAUNCH)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._session = botocore.session.Session()
        self._await_health()

    def __enter__(self) -> "EmbeddedAWS":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_health(self) -> None:
        context = ssl.create_default_context(cafile=str(self.certificate))
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.endpoint}/_ministack/health", context=context, timeout=2).close()
                return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise AssertionError(f"the embedded AWS did not start:\n{(self.state / 'aws.log').read_text()}")

    def stop(self) -> None:
        """End the process by closing its standard input, and remove its state."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(10)
        shutil.rmtree(self.state, ignore_errors=True)

    def client(self, service: str, credentials: dict[str, str] | None = None) -> Any:
        """A client as the account's root, or with the credentials of AssumeRole."""
        chosen = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        return self._session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            verify=str(self.certificate),
            aws_access_key_id=chosen["AccessKeyId"],
            aws_secret_access_key=chosen["SecretAccessKey"],
            aws_session_token=chosen.get("SessionToken"),
            config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    # --- stacks

    def deploy(self, name: str, template: dict, **more: Any) -> str:
        """CreateStack or, if the stack exists, UpdateStack; returns the final status."""
        cloudformation = self.client("cloudformation")
        arguments = {
            "StackName": name,
            "TemplateBody": json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **template}),
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            **more,
        }
        if self.status(name) in ("", "DELETE_COMPLETE"):
            cloudformation.create_stack(**arguments)
        else:
            cloudformation.update_stack(**arguments)
        return self.wait(name)

    def delete(self, name: str) -> str:
        """DeleteStack; returns DELETE_COMPLETE, or the status it failed with."""
        self.client("cloudformation").delete_stack(StackName=name)
        return self.wait(name) or "DELETE_COMPLETE"

    def status(self, name: str) -> str:
        """The stack's status, or an empty text when there is none."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        except ClientError as problem:
            if "does not exist" in str(problem):
                return ""
            raise

    def wait(self, name: str) -> str:
        """Wait until nothing is in progress; returns the status."""
        until = time.monotonic() + STACK_SECONDS
        while time.monotonic() < until:
            status = self.status(name)
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"stack {name} is still {self.status(name)}")

    def outputs(self, name: str) -> dict[str, str]:
        """The stack's outputs."""
        stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """(logical id, status, reason) of the stack's events, oldest first."""
        answer = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in answer][::-1]

    def reasons(self, name: str) -> str:
        """The reasons of everything that failed, for messages and searches."""
        return "\n".join(f"{who}: {why}" for who, status, why in self.events(name) if status.endswith("FAILED"))

    # --- functions

    def publish(self, bucket: str, key: str, files: dict[str, str]) -> None:
        """Put a zip with these files into a bucket, which is made if need be; bootstrap can be executed."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path, content in files.items():
                entry = zipfile.ZipInfo(path)
                entry.external_attr = 0o755 << 16
                archive.writestr(entry, content)
        s3 = self.client("s3")
        if bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=packed.getvalue())

    def calls(self) -> list[dict]:
        """The lines of calls.jsonl."""
        file = self.state / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def children(self) -> list[int]:
        """The processes that the embedded AWS has started and that still run."""
        found: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
        return found
