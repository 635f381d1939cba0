"""The stacks of provisioned products, made, changed and deleted with the launch role and nobody else's rights.

https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
https://docs.aws.amazon.com/servicecatalog/latest/adminguide/reference-template_constraint_rules.html
"""

import contextvars
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, sts
from ministack.services.cloudformation import engine

from .. import catalog_store as store
from .. import roles
from ..api import api, endpoint
from ..catalog_store import Provisioned, Record

SERVICE = "servicecatalog.amazonaws.com"
_SESSION = "servicecatalog"
_POLL_SECONDS = 0.1
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_session = botocore.session.get_session()
_making_clients = threading.Lock()


class LaunchFailed(Exception):
    """Why a record failed."""


def stack_name(provisioned: str) -> str:
    """The name of the stack of a provisioned product."""
    return f"SC-{get_account_id()}-{provisioned}"


def begin(record: Record, work: Callable[[Any], None]) -> None:
    """Do the work with a CloudFormation client of the launch role, and write how it ends into the record."""

    def run() -> None:
        record.status = "IN_PROGRESS"
        product = record.provisioned
        before, product.status = product.status, "UNDER_CHANGE"
        try:
            work(_cloudformation(product.role))
            product.status, product.message = "AVAILABLE", ""
            record.status = "SUCCEEDED"
        except (ClientError, LaunchFailed) as failed:
            text = failed.response["Error"]["Message"] if isinstance(failed, ClientError) else str(failed)
            record.errors = [
                {
                    "Code": "INVALID_PARAMETER_VALUE" if "ssertion" in text else "STACK_OPERATION_FAILED",
                    "Description": text,
                }
            ]
            record.status = "FAILED"
            product.message = text
            product.status = "TAINTED" if record.kind == "UPDATE_PROVISIONED_PRODUCT" and before != "ERROR" else "ERROR"
        record.updated = time.time()

    # The account and the region of the request stay known.
    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()


def _cloudformation(role: str) -> Any:
    """A client with a session of the role, which must trust Service Catalog."""
    if not roles.trusts(role, SERVICE):
        raise LaunchFailed(f"Service Catalog is not authorized to perform: sts:AssumeRole on resource: {role}")
    drawn = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    key, secret, token = f"ASIA{drawn[:16].upper()}", drawn[16:56], drawn
    arn = roles.session_arn(role, _SESSION)
    sts.register_session(
        key,
        {
            "Arn": arn,
            "UserId": f"{role.rsplit('/', 1)[-1]}:{_SESSION}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + 3600,
            "AccountId": get_account_id(),
            "PrincipalType": "AssumedRole",
        },
    )
    url, ca = endpoint()
    with _making_clients:
        return _session.create_client(
            "cloudformation",
            region_name=get_region(),
            endpoint_url=url,
            verify=ca,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )


def constrained(product: Provisioned) -> str:
    """The version's template with the rules of the template constraint among its own, as JSON."""
    template = engine._parse_template(store.products[product.product].artifacts[product.artifact].template)
    rules = store.constraint("TEMPLATE", product.portfolio, product.product)
    if rules is not None:
        template["Rules"] = {**(template.get("Rules") or {}), **json.loads(rules.value)}
    return json.dumps(template)


def tags(product: Provisioned, given: list[dict]) -> list[dict]:
    """The tags of the user and, with one value for their key, of the portfolio and the product."""
    options: dict[str, set[str]] = {}
    for link in store.tagged:
        resource, _, option = link.partition("|")
        key, value, active = store.tag_options.get(option, ("", "", False))
        if active and resource in (product.portfolio, product.product):
            options.setdefault(key, set()).add(value)
    fixed = {key: values.pop() for key, values in options.items() if len(values) == 1}
    for tag in given:
        if fixed.get(tag["Key"], tag["Value"]) != tag["Value"]:
            raise LaunchFailed(f"Tag {tag['Key']} must be {fixed[tag['Key']]}")
    return [*({"Key": k, "Value": v} for k, v in fixed.items()), *(t for t in given if t["Key"] not in fixed)]


class copied:
    """The template for as long as CloudFormation reads it: an object of a bucket of Service Catalog's own, marked."""

    def __init__(self, body: str) -> None:
        self._bucket, self._body = f"sc-copies-{uuid.uuid4().hex}", body

    def __enter__(self) -> str:
        api("s3").create_bucket(Bucket=self._bucket)
        api("s3").put_object(
            Bucket=self._bucket, Key="template", Body=self._body.encode(), Tagging="servicecatalog%3Aprovisioning=true"
        )
        return f"https://s3.{get_region()}.amazonaws.com/{self._bucket}/template"

    def __exit__(self, *unused: Any) -> None:
        api("s3").delete_object(Bucket=self._bucket, Key="template")
        api("s3").delete_bucket(Bucket=self._bucket)


def create(record: Record, parameters: list[dict], given: list[dict], notify: list[str]) -> None:
    """Make the stack."""
    product = record.provisioned

    def work(client: Any) -> None:
        with copied(constrained(product)) as url:
            client.create_stack(
                StackName=product.stack,
                TemplateURL=url,
                Parameters=parameters,
                Tags=tags(product, given),
                Capabilities=_CAPABILITIES,
                NotificationARNs=notify,
            )
        _mark(product)
        _await(client, record, "CREATE_COMPLETE")

    begin(record, work)


def update(record: Record, parameters: list[dict], given: list[dict] | None) -> None:
    """Change the stack; without tags it keeps those that it has."""
    product = record.provisioned

    def work(client: Any) -> None:
        with copied(constrained(product)) as url:
            client.update_stack(
                StackName=product.stack,
                TemplateURL=url,
                Parameters=parameters,
                Capabilities=_CAPABILITIES,
                Tags=tags(product, given or []),
            )
        _mark(product)
        _await(client, record, "UPDATE_COMPLETE")

    begin(record, work)


def terminate(record: Record) -> None:
    """Delete the stack; the provisioned product ends with it."""
    product = record.provisioned

    def work(client: Any) -> None:
        if _stack(product.stack) is not None:
            identifier = _stack(product.stack)["StackId"]
            client.delete_stack(StackName=identifier)
            _await(client, record, "DELETE_COMPLETE", identifier)
        store.provisioned.pop(product.id, None)

    begin(record, work)


def _stack(name: str) -> dict | None:
    found = cloudformation._stacks.get(name)
    return None if found is None or found["StackStatus"] == "DELETE_COMPLETE" else found


def _mark(product: Provisioned) -> None:
    """The tags that Service Catalog itself gives, which a caller of CloudFormation could not.

    https://docs.aws.amazon.com/servicecatalog/latest/adminguide/autotags.html
    """
    stack = _stack(product.stack)
    if stack is None:
        return
    at = f"{get_region()}:{get_account_id()}"
    marks = {
        "portfolioArn": f"arn:aws:catalog:{at}:portfolio/{product.portfolio}",
        "productArn": f"arn:aws:catalog:{at}:product/{product.product}",
        "provisioningPrincipalArn": product.owner,
        "provisioningArtifactIdentifier": product.artifact,
        "provisionedProductArn": f"arn:aws:servicecatalog:{at}:stack/{product.name}/{product.id}",
    }
    own = [t for t in stack.get("Tags") or [] if not t["Key"].startswith("aws:servicecatalog:")]
    stack["Tags"] = own + [{"Key": f"aws:servicecatalog:{key}", "Value": value} for key, value in marks.items()]


def _await(client: Any, record: Record, wanted: str, name: str = "") -> None:
    while True:
        stack = client.describe_stacks(StackName=name or record.provisioned.stack)["Stacks"][0]
        status = stack["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(_POLL_SECONDS)
    record.outputs = [
        {
            "OutputKey": "CloudformationStackARN",
            "OutputValue": stack["StackId"],
            "Description": "The ARN of the launched Cloudformation Stack",
        },
        *({k: o[k] for k in ("OutputKey", "OutputValue", "Description") if k in o} for o in stack.get("Outputs") or []),
    ]
    if status != wanted:
        raise LaunchFailed(f"{status}: {stack.get('StackStatusReason', '')}")
