"""KMS keys of S3's objects: S3 uses the customer's key in the caller's name, to read an object and to write one.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html (uploads in parts are decrypted too)
"""

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import kms, s3

from .call import Subject, judgement
from .judgements import Judgement
from .parameters import Request

_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_MODE = "x-amz-server-side-encryption"

_READS = {"s3:GetObject", "s3:GetObjectVersion"}
_WRITES = {"s3:PutObject"}


def of_request(action: str, resource: str, request: Request) -> list[Judgement]:
    """What S3 asks KMS for because of a request that it judges as action on resource; nothing for S3's own keys."""
    bucket, _, name = resource.rpartition(":::")[2].partition("/")
    if not name or bucket not in s3._buckets:
        return []
    if action in _READS:
        # Of versions only the newest is looked up.
        stored = s3._buckets[bucket]["objects"].get(name) or {}
        return _judgements(s3._stored_sse_headers(stored), ["kms:Decrypt"], bucket, name)
    if action in _WRITES:
        asked = request.headers if request.headers.get(_MODE) else s3._bucket_default_sse_headers(bucket)
        in_parts = {"uploads", "uploadId"} & set(request.params)
        return _judgements(asked, ["kms:GenerateDataKey", *(["kms:Decrypt"] if in_parts else [])], bucket, name)
    return []


def _judgements(encryption: Mapping[str, Any], actions: list[str], bucket: str, name: str) -> list[Judgement]:
    key = kms._resolve_key(encryption[_KEY]) if encryption.get(_KEY) else None
    if key is None or not str(encryption.get(_MODE, "")).startswith("aws:kms"):
        return []
    # With a bucket key S3 encrypts for the bucket, else for the object.
    whole = b"<BucketKeyEnabled>true" in _raw(bucket)
    context = f"arn:aws:s3:::{bucket}" if whole else f"arn:aws:s3:::{bucket}/{name}"
    keys = {
        "kms:CallerAccount": get_account_id(),
        "kms:EncryptionContext:aws:s3:arn": context,
        "kms:EncryptionContextKeys": ["aws:s3:arn"],
        "kms:ViaService": f"s3.{get_region()}.amazonaws.com",
    }
    return [judgement(action, Subject("key", key["Arn"]), keys) for action in actions]


def _raw(bucket: str) -> bytes:
    found = s3._bucket_encryption.get(bucket) or b""
    return found.encode() if isinstance(found, str) else bytes(found)
