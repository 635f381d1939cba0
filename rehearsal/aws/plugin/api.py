"""MiniStack's own public API, called as the account's root."""

import threading
from typing import Any

import botocore.config
import botocore.session
from botocore.client import BaseClient
from ministack.core.responses import get_account_id, get_region

from .settings import Settings

_session = botocore.session.get_session()
# Clients that nobody uses at the moment: each call has one for itself, since it closes the connections after it.
_idle: dict[tuple[str, str, str], list[BaseClient]] = {}
_lock = threading.Lock()
_settings: Settings | None = None


def install(settings: Settings) -> None:
    """Remember where the API is."""
    global _settings
    _settings = settings


def endpoint() -> tuple[str, str]:
    """Where the API is, and the certificate that it shows."""
    assert _settings is not None, "api.install was not called"
    return _settings.endpoint, str(_settings.ca)


class api:
    """One call: api("ec2").describe_vpcs(Filters=[...]) returns botocore's parsed answer.

    Account and region are those of the request that is being served. A call from MiniStack's event loop
    would wait for itself for ever: only code on a worker thread may use it.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, operation: str):
        def call(**arguments: Any) -> dict:
            key = (self._service, get_region(), get_account_id())
            client = _take(*key)
            try:
                return getattr(client, operation)(**arguments)
            finally:
                # An open connection would keep the server's TLS shutdown waiting for 30 s.
                client.close()
                with _lock:
                    _idle.setdefault(key, []).append(client)

        return call


def _take(service: str, region: str, account: str) -> BaseClient:
    assert _settings is not None, "api.install was not called"
    with _lock:
        idle = _idle.get((service, region, account))
        if idle:
            return idle.pop()
        # botocore's session is not safe to be used by several threads.
        return _session.create_client(
            service,
            region_name=region,
            endpoint_url=_settings.endpoint,
            verify=_settings.ca,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
