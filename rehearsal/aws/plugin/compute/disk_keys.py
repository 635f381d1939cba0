"""KMS keys of a launch's volumes: EC2 takes the launch, and ends the instance if its launcher may not use the key.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html (the rights that are needed, under
"Permissions for users"), https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html ("Instance
terminates immediately") and, for the role by which node groups are launched,
https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

from .. import calls
from ..authorization.judgements import Judgement, judge

# What EC2 asks KMS for in the launcher's name, for a volume made from an image's snapshot that is not encrypted.
_USED = ("kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt", "kms:CreateGrant")

NO_RIGHT = "Client.InternalError"
NO_KEY = "Client.InvalidKMSKey.InvalidState"


def auto_scaling() -> iam_evaluator.PrincipalInfo:
    """The service-linked role of EC2 Auto Scaling. Its own policy has no rights on customers' keys."""
    account = get_account_id()
    arn = f"arn:aws:sts::{account}:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling"
    return iam_evaluator.PrincipalInfo(arn, "AssumedRole", account, [])


def trouble(disks: list[dict[str, Any]], launcher: iam_evaluator.PrincipalInfo | None = None) -> str:
    """The code with which an instance with these planned disks ends as it starts, or "".

    The launcher is the caller of the request being served, unless another one is given.
    """
    launcher = launcher or calls.current_principal()
    for key_id in dict.fromkeys(disk["Ebs"].get("KmsKeyId") for disk in disks):
        if not key_id or str(key_id).endswith("alias/aws/ebs"):
            continue
        key = kms._resolve_key(key_id)
        if key is None or not key["Enabled"] or key["KeySpec"] != "SYMMETRIC_DEFAULT":
            return NO_KEY
        if launcher and judge(launcher, _judgements(key["Arn"])):
            return NO_RIGHT
    return ""


def _judgements(arn: str) -> list[Judgement]:
    keys = {"kms:ViaService": f"ec2.{get_region()}.amazonaws.com", "kms:CallerAccount": get_account_id()}
    lent = {**keys, "kms:GrantIsForAWSResource": "true"}
    return [Judgement(action, arn, lent if action == "kms:CreateGrant" else keys) for action in _USED]
