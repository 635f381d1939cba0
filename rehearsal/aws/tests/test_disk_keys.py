"""KMS keys of a launch's disks: who may not use the key gets an instance that ends as it starts."""

import json
import unittest
from typing import Any

import parts
from compute_stack import CLUSTER, template, wait
from embedded import LOCALKUBE, NO_LOCALKUBE, REGION, EmbeddedAWS

VIA_EC2 = {"StringLike": {"kms:ViaService": f"ec2.{REGION}.*"}}
LENT = {**VIA_EC2, "Bool": {"kms:GrantIsForAWSResource": "true"}}
USE = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"]
AUTO_SCALING = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

aws: EmbeddedAWS
key: str
policy: dict[str, Any]


def setUpModule() -> None:
    global aws, key, policy
    aws = EmbeddedAWS()
    unittest.addModuleCleanup(aws.stop)
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    policy = json.loads(aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])


def launch(name: str, statements: list[dict], key_id: str) -> dict:
    """The instance, once it runs or has ended, that a role with these statements launches."""
    iam, sts = aws.client("iam"), aws.client("sts")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust()))["Role"]["Arn"]
    more = {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:Describe*"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(parts.document([more, *statements])))
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    ec2 = aws.client("ec2", {k: given[k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")})
    image = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"][0]
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": key_id, "VolumeType": "gp3"}}
    made = ec2.run_instances(
        ImageId=image["ImageId"], InstanceType="m7g.large", MinCount=1, MaxCount=1, BlockDeviceMappings=[disk]
    )["Instances"][0]["InstanceId"]

    def settled() -> dict:
        found = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
        return found if found["State"]["Name"] in ("running", "terminated") else {}

    return wait("the instance runs or ends", settled, 15)


def trust() -> dict:
    account = aws.client("sts").get_caller_identity()["Account"]
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return parts.document([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def allow(actions: list[str], condition: dict) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": key, "Condition": condition}


class Launches(unittest.TestCase):
    def test_the_launcher_needs_the_key(self) -> None:
        cases = {
            "both": ([allow(USE, VIA_EC2), allow(["kms:CreateGrant"], LENT)], "running"),
            "no-grant": ([allow(USE, VIA_EC2)], "Client.InternalError"),
            "no-use": ([allow(["kms:CreateGrant"], LENT)], "Client.InternalError"),
            "other-service": (
                [allow([*USE, "kms:CreateGrant"], {"StringLike": {"kms:ViaService": f"s3.{REGION}.*"}})],
                "Client.InternalError",
            ),
        }
        for name, (statements, outcome) in cases.items():
            with self.subTest(name):
                instance = launch(name, statements, key)
                if outcome == "running":
                    self.assertEqual(instance["State"]["Name"], "running")
                else:
                    self.assertEqual(
                        (instance["State"]["Name"], instance["StateReason"]["Code"]), ("terminated", outcome)
                    )

    def test_a_described_volume_tells_its_key(self) -> None:
        ec2 = aws.client("ec2")
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=10, Encrypted=True, KmsKeyId=key)
        instance = launch("told", [allow(USE, VIA_EC2), allow(["kms:CreateGrant"], LENT)], key)
        disk = instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        found = ec2.describe_volumes(VolumeIds=[volume["VolumeId"], disk])["Volumes"]
        self.assertEqual([one.get("KmsKeyId") for one in found], [key, key])
        plain = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=10)["VolumeId"]
        self.assertNotIn("KmsKeyId", ec2.describe_volumes(VolumeIds=[plain])["Volumes"][0])

    def test_a_disabled_key(self) -> None:
        off = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        aws.client("kms").disable_key(KeyId=off)
        everything = [{"Effect": "Allow", "Action": "kms:*", "Resource": off}]
        instance = launch("disabled", everything, off)
        self.assertEqual(instance["StateReason"]["Code"], "Client.InvalidKMSKey.InvalidState")


@unittest.skipUnless(LOCALKUBE, NO_LOCALKUBE)
class NodeGroups(unittest.TestCase):
    def test_auto_scaling_is_let_in_by_the_key_policy_alone(self) -> None:
        self.assertEqual(aws.deploy("compute", template()), "CREATE_COMPLETE", aws.reasons("compute"))
        disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": key, "VolumeType": "gp3"}}
        aws.client("ec2").create_launch_template(
            LaunchTemplateName="encrypted", LaunchTemplateData={"BlockDeviceMappings": [disk]}
        )
        self.assertEqual(self.group("refused"), ("CREATE_FAILED", ["AsgInstanceLaunchFailures"]))
        account = key.split(":")[4]
        actions = [*USE, "kms:CreateGrant"]
        let_in = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:{AUTO_SCALING}"}, "Action": actions}
        wider = {**policy, "Statement": [*policy["Statement"], {**let_in, "Resource": "*"}]}
        aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(wider))
        self.assertEqual(self.group("let-in"), ("ACTIVE", []))

    def group(self, name: str) -> tuple[str, list[str]]:
        """Status and issues of a node group with the launch template, once it has settled."""
        outputs, eks = aws.outputs("compute"), aws.client("eks")
        eks.create_nodegroup(
            clusterName=CLUSTER,
            nodegroupName=name,
            nodeRole=aws.client("iam").get_role(RoleName="node")["Role"]["Arn"],
            subnets=[outputs["Private0"], outputs["Private1"]],
            amiType="AL2023_ARM_64_STANDARD",
            instanceTypes=["t4g.medium"],
            scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": 1},
            launchTemplate={"name": "encrypted"},
        )

        def settled() -> dict:
            found = eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=name)["nodegroup"]
            return {} if found["status"] == "CREATING" else found

        found = wait(f"{name} settles", settled, 100)
        return found["status"], [issue["code"] for issue in found["health"]["issues"]]
