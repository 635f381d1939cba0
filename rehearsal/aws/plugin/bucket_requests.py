"""What S3 refuses of bucket names, bucket policies and requests for another owner's bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

import json

from ministack.core.responses import get_account_id
from ministack.services import s3

_PREFIXES = ("amzn-s3-demo-", "sthree-", "xn--")
_SUFFIXES = ("--ol-s3", "--table-s3", "--x-s3", "-s3alias", ".mrap")

_put_policy = s3._put_bucket_policy
_create = s3._create_bucket
_handle = s3.handle_request


def install() -> None:
    """Wrap the actions."""
    s3._put_bucket_policy = _put_bucket_policy
    s3._create_bucket = _create_bucket
    s3.handle_request = _handle_request


async def _handle_request(
    method: str, path: str, headers: dict, body: bytes, query_params: dict, *more: object, **named: object
) -> tuple:
    bucket, _ = s3._parse_bucket_key(path, headers)
    owner = headers.get("x-amz-expected-bucket-owner", "")
    if owner and bucket in s3._buckets and owner != get_account_id():
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
    return await _handle(method, path, headers, body, query_params, *more, **named)


def _create_bucket(name: str, *arguments: object, **more: object) -> tuple:
    if name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        return s3._error("InvalidBucketName", "The specified bucket is not valid.", 400, f"/{name}")
    return _create(name, *arguments, **more)


def _put_bucket_policy(name: str, body: bytes) -> tuple:
    if name in s3._buckets and (why := policy_refusal(name, body)):
        return s3._error("MalformedPolicy", why, 400, f"/{name}")
    return _put_policy(name, body)


def policy_refusal(name: str, body: bytes) -> str:
    """Why S3 would not take the bucket's policy, or an empty text."""
    try:
        statements = json.loads(body).get("Statement", [])
    except (ValueError, AttributeError):
        return "Policies must be valid JSON and the first byte must be '{'"
    for statement in statements if isinstance(statements, list) else [statements]:
        resources = statement.get("Resource", [])
        for resource in resources if isinstance(resources, list) else [resources]:
            bucket = str(resource).rpartition(":::")[2].split("/")[0]
            if bucket != name and not any(wild in bucket for wild in "*?"):
                return "Policy has invalid resource"
    return ""
