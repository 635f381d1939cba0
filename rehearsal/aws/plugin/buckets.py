"""AWS::S3::Bucket: the properties that MiniStack's handler drops."""

from ministack.services.cloudformation import provisioners

from . import resources
from .api import api
from .resources import Properties, truth


def install() -> None:
    """Apply encryption, logging, lifecycle, ownership and tags by the S3 API, on create and on update."""
    provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
    resources.after_create("AWS::S3::Bucket", lambda name, new: apply(name, {}, new))
    resources.after_update("AWS::S3::Bucket", apply)


def apply(name: str, old: Properties, new: Properties) -> None:
    """Bring the bucket from old to new properties; what new no longer has is taken away."""
    s3 = api("s3")
    if encryption := new.get("BucketEncryption"):
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": _encryption(encryption)})
    elif "BucketEncryption" in old:
        s3.delete_bucket_encryption(Bucket=name)
    if lifecycle := new.get("LifecycleConfiguration"):
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    elif "LifecycleConfiguration" in old:
        s3.delete_bucket_lifecycle(Bucket=name)
    if ownership := new.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": ownership["Rules"]})
    elif "OwnershipControls" in old:
        s3.delete_bucket_ownership_controls(Bucket=name)
    # The tags with aws: are CloudFormation's; nobody else may write such.
    tags = [tag for tag in resources.tag_list(new) if not tag["Key"].startswith("aws:")]
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    elif "Tags" in old:
        s3.delete_bucket_tagging(Bucket=name)
    if logging := new.get("LoggingConfiguration"):
        target = {
            "TargetBucket": logging.get("DestinationBucketName", name),
            "TargetPrefix": logging.get("LogFilePrefix", ""),
        }
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})
    elif "LoggingConfiguration" in old:
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})


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
