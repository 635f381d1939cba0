"""What the plug-in is told by its environment, read and checked once."""

import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"

# Unix sockets end at 107 bytes; localkube puts "/NAME-XXXXXXXX/etcd.sock.lock" and the like below the state directory.
LONGEST_STATE_PATH = 60


class SettingsError(Exception):
    """The environment does not allow a safe start; the text says which variable and why."""


@dataclass(frozen=True)
class Settings:
    """How this embedded AWS is run.

    endpoint: its own URL, https on loopback.
    ca: file with the certificate that clients trust.
    state: short directory for clusters, logs and function processes.
    localkube: the embedded EKS, or None when no cluster can be made.
    programs: what clusters run for pods, as pairs of a part of an image's repository and a command.
    order: None, "custom-first" or the text of an integer seed.
    stop_on_eof: stop when standard input ends.
    """

    endpoint: str
    ca: str
    state: Path
    localkube: Path | None
    programs: tuple[tuple[str, tuple[str, ...]], ...]
    order: str | None
    stop_on_eof: bool


def read(env: dict[str, str] | None = None) -> Settings:
    """Return the settings in env (default: the process's environment), or raise SettingsError."""
    env = dict(os.environ if env is None else env)
    endpoint = env.get("AWS_ENDPOINT_URL", "")
    host = urllib.parse.urlsplit(endpoint).hostname
    if host not in (LOOPBACK, "localhost"):
        raise SettingsError(f"AWS_ENDPOINT_URL must be on loopback, not {endpoint!r}")
    for name in ("BIND_HOST", "MINISTACK_HOST"):
        if env.get(name) != LOOPBACK:
            raise SettingsError(f"{name} must be {LOOPBACK}, not {env.get(name)!r}: nothing may listen elsewhere")
    if env.get("AUTH") != "true":
        raise SettingsError("AUTH must be true: a rehearsal without IAM proves nothing")
    for name in ("GATEWAY_PORT", "AWS_CA_BUNDLE", "REHEARSAL_STATE", "HOME", "TMPDIR"):
        if not env.get(name):
            raise SettingsError(f"{name} is not set")
    state = Path(env["REHEARSAL_STATE"])
    if not state.is_dir():
        raise SettingsError(f"REHEARSAL_STATE {state} is no directory")
    if len(str(state)) > LONGEST_STATE_PATH:
        raise SettingsError(
            f"REHEARSAL_STATE {state} is longer than {LONGEST_STATE_PATH} characters: "
            "a cluster's Unix sockets would not fit into 107 bytes"
        )
    return Settings(
        endpoint=endpoint,
        ca=env["AWS_CA_BUNDLE"],
        state=state,
        localkube=_executable("REHEARSAL_LOCALKUBE", env),
        programs=_programs(env),
        order=_order(env.get("REHEARSAL_ORDER")),
        stop_on_eof=env.get("REHEARSAL_STOP_ON_EOF") == "1",
    )


def _executable(name: str, env: dict[str, str]) -> Path | None:
    path = env.get(name)
    if not path:
        return None
    if not os.access(path, os.X_OK):
        raise SettingsError(f"{name} {path} cannot be executed")
    return Path(path)


def _programs(env: dict[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Karpenter's controller and the stand-ins; pods of an image without a program are played."""
    programs = []
    if karpenter := _executable("REHEARSAL_KARPENTER", env):
        programs.append(("karpenter/controller", (str(karpenter),)))
    if controllers := _executable("REHEARSAL_CONTROLLERS", env):
        programs.append(("aws-load-balancer-controller", (str(controllers), "load-balancer")))
        programs.append(("aws-ebs-csi-driver", (str(controllers), "ebs-csi")))
    return tuple(programs)


def _order(text: str | None) -> str | None:
    if not text or text == "custom-first":
        return text or None
    if not text.lstrip("-").isdigit():
        raise SettingsError(f"REHEARSAL_ORDER must be custom-first or an integer, not {text!r}")
    return text
