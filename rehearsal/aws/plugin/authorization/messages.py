"""The encoded message in EC2's denials, and sts:DecodeAuthorizationMessage, which reads it.

AWS encrypts it; here it is compressed, so that it can be decoded without a state.
https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

import base64
import binascii
import json
import zlib
from typing import Any

from .judgements import Denial


def encode(denial: Denial) -> str:
    """A denial as one word: who was refused what, on which resource, with which keys."""
    conditions = [
        {
            "key": name,
            "values": {"items": [{"value": str(one)} for one in (value if isinstance(value, list) else [value])]},
        }
        for name, value in denial.judgement.keys.items()
    ]
    told: dict[str, Any] = {
        "allowed": False,
        "explicitDeny": denial.explicit,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {"arn": denial.principal},
            "action": denial.action,
            "resource": denial.resource,
            "conditions": {"items": conditions},
        },
    }
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(told).encode())).decode().rstrip("=")


def decode(message: str) -> str | None:
    """The JSON that was encoded, or None when this is no such message."""
    try:
        packed = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
        return zlib.decompress(packed).decode()
    except (binascii.Error, zlib.error, ValueError):
        return None
