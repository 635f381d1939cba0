"""A certificate for 127.0.0.1, made with the openssl command."""

import subprocess
from pathlib import Path


def write(directory: Path) -> tuple[Path, Path]:
    """Write cert.pem and key.pem into directory; returns their paths."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=rehearsal",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
            "-addext",
            "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1",
            "-addext",
            "keyUsage=digitalSignature,keyCertSign",
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
