"""Serving, and the end: soon, and with all children."""

import asyncio
import logging
import os
import resource
import signal
import sys
import threading

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime, tls

from . import clusters
from .settings import LOOPBACK

# A function has no work of its own when it is told to end, so it gets little time before it is killed.
_FUNCTION_GRACE_SECONDS = 0.3


def serve(stop_on_eof: bool) -> None:
    """Serve on 127.0.0.1:GATEWAY_PORT until SIGTERM, SIGINT or, if asked, the end of standard input.

    This is in place of MiniStack's own main, which also listens on port 443 when it may, and whose end waits for
    every open connection.
    """
    lambda_runtime._REAP_GRACE = _FUNCTION_GRACE_SECONDS
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end())
    if stop_on_eof:
        threading.Thread(target=_await_eof, daemon=True, name="stdin").start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        asyncio.run(hypercorn_serve(app.app, _configuration(), shutdown_trigger=asyncio.Event().wait))
    except OSError as problem:
        raise SystemExit(f"rehearsal/aws: cannot serve: {problem}") from problem
    finally:
        _end_children()


def _configuration() -> Config:
    config = Config()
    config.bind = [f"{LOOPBACK}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    # As AWS's endpoints for these services. Over HTTP/2 Hypercorn may stop in the middle of a big answer, such as a
    # long list of stack events, until the client gives up.
    config.alpn_protocols = ["http/1.1"]
    config.loglevel = "WARNING"
    if tls.use_ssl_enabled():
        config.certfile, config.keyfile = tls.resolve_tls_material()
    logging.getLogger("hypercorn.access").disabled = True
    return config


def end() -> None:
    """End every child, then this process, without waiting for open connections."""
    _end_children()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_children() -> None:
    functions = threading.Thread(target=lambda_runtime.reset)
    functions.start()
    clusters.stop_all()
    functions.join()


def _await_eof() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end()
