"""AWS::S3::Bucket: the properties that MiniStack's handler drops."""

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from . import resources
from .api import api
from .resources import Properties, truth

# The account's key for S3, which AWS makes when it is first used.
_AWS_MANAGED_KEY = "alias/aws/s3"

_write_headers = s3._resolve_sse_write_headers


def install() -> None:
    """Apply encryption, logging, lifecycle, ownership and tags by the S3 API; delete by it, so only what is empty."""
    provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
    resources.after_create("AWS::S3::Bucket", lambda name, new: apply(name, {}, new))
    resources.after_update("AWS::S3::Bucket", apply)
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]["delete"] = _delete
    s3._resolve_sse_write_headers = _resolve_write_headers


def _resolve_write_headers(headers: dict, bucket: str) -> tuple:
    """A write with aws:kms and no key takes the bucket's key, or the account's own.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    mode, key = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"
    if headers.get(mode) == "aws:kms" and not headers.get(key):
        headers = {**headers, key: s3._bucket_default_sse_headers(bucket).get(key) or _AWS_MANAGED_KEY}
    return _write_headers(headers, bucket)


def apply(name: str, old: Properties, new: Properties) -> None:
    """Bring the bucket from old to new properties; what new no longer has is taken away."""
    call = api("s3")
    if encryption := new.get("BucketEncryption"):
        call.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": _encryption(encryption)})
    elif "BucketEncryption" in old:
        call.delete_bucket_encryption(Bucket=name)
    if lifecycle := new.get("LifecycleConfiguration"):
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        call.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    elif "LifecycleConfiguration" in old:
        call.delete_bucket_lifecycle(Bucket=name)
    if ownership := new.get("OwnershipControls"):
        call.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": ownership["Rules"]})
    elif "OwnershipControls" in old:
        call.delete_bucket_ownership_controls(Bucket=name)
    # The tags with aws: are CloudFormation's; nobody else may write such.
    tags = [tag for tag in resources.tag_list(new) if not tag["Key"].startswith("aws:")]
    if tags:
        call.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    elif "Tags" in old:
        call.delete_bucket_tagging(Bucket=name)
    if logging := new.get("LoggingConfiguration"):
        target = {
            "TargetBucket": logging.get("DestinationBucketName", name),
            "TargetPrefix": logging.get("LogFilePrefix", ""),
        }
        call.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})
    elif "LoggingConfiguration" in old:
        call.put_bucket_logging(Bucket=name, BucketLoggingStatus={})


def _delete(name: str, properties: Properties) -> None:
    if name in s3._buckets:
        api("s3").delete_bucket(Bucket=name)


def _encryption(configuration: dict) -> list[dict]:
    return [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": truth(rule.get("BucketKeyEnabled", False)),
        }
        for rule in configuration["ServerSideEncryptionConfiguration"]
    ]


def lifecycle_rule(rule: dict) -> dict:
    """A template's lifecycle rule as the S3 API takes it; a kind of rule that is not played is refused."""
    known = {
        "Id",
        "Status",
        "Prefix",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "AbortIncompleteMultipartUpload",
    }
    if unknown := rule.keys() - known:
        raise RuntimeError(f"the rehearsal does not play these members of a lifecycle rule: {sorted(unknown)}")
    made: dict = {"ID": rule.get("Id", ""), "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if truth(rule.get("ExpiredObjectDeleteMarker", False)):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if "NoncurrentVersionExpirationInDays" in rule:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    if noncurrent := rule.get("NoncurrentVersionExpiration"):
        made["NoncurrentVersionExpiration"] = {key: int(value) for key, value in noncurrent.items()}
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(abort["DaysAfterInitiation"])}
    return made
