"""Calls on EC2 resources that are gone, by roles whose statements ask for tags."""

import json
import sys
import unittest
from pathlib import Path
from typing import Any, ClassVar

import parts
from botocore.exceptions import ClientError
from embedded import REGION, EmbeddedAWS
from ministack.core.responses import AccountRegionScopedDict
from rows import EC2, IAM, World, allow, deny, of_type

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plugin.authorization import departed

_DRIVER_POLICY = "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"
_DRIVERS_TAG = {"Key": "ebs.csi.aws.com/cluster", "Value": "true"}
_REFUSED = "UnauthorizedOperation"
_TEAM = {"aws:ResourceTag/team": "a"}


class Departed(unittest.TestCase):
    world: ClassVar[World]
    aws: ClassVar[EmbeddedAWS]

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.aws = cls.world.aws
        cls.ec2 = cls.aws.client("ec2")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.aws.stop()

    def code(self, client: Any, method: str, **arguments: Any) -> str:
        """The error code of a call, empty if it is answered."""
        try:
            getattr(client, method)(**arguments)
        except ClientError as problem:
            return problem.response["Error"]["Code"]
        return ""

    def volume(self, *tags: dict) -> str:
        specification = [{"ResourceType": "volume", "Tags": list(tags)}] if tags else []
        return self.ec2.create_volume(
            AvailabilityZone=f"{REGION}a", Size=1, VolumeType="gp3", TagSpecifications=specification
        )["VolumeId"]

    def driver(self) -> Any:
        """EC2 as the EBS CSI driver sees it, with AWS's policy for it."""
        iam = self.aws.client("iam")
        trust = parts.document([{"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "sts:AssumeRole"}])
        if "driver" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
            iam.create_role(RoleName="driver", AssumeRolePolicyDocument=json.dumps(trust))
            iam.attach_role_policy(RoleName="driver", PolicyArn=_DRIVER_POLICY)
        made = self.aws.client("sts").assume_role(RoleArn=f"{IAM}:role/driver", RoleSessionName="driver")
        return self.aws.client("ec2", made["Credentials"])

    def test_a_volume_is_deleted_again(self) -> None:
        driver, volume = self.driver(), self.volume(_DRIVERS_TAG)
        self.assertEqual(self.code(driver, "delete_volume", VolumeId=volume), "")
        self.assertEqual(self.code(driver, "delete_volume", VolumeId=volume), "InvalidVolume.NotFound")
        self.assertEqual(self.code(driver, "detach_volume", VolumeId=volume), "InvalidVolume.NotFound")

    def test_another_deleted_it(self) -> None:
        volume = self.volume(_DRIVERS_TAG)
        self.ec2.delete_volume(VolumeId=volume)
        self.assertEqual(self.code(self.driver(), "delete_volume", VolumeId=volume), "InvalidVolume.NotFound")

    def test_it_was_not_the_drivers(self) -> None:
        volume = self.volume({"Key": "team", "Value": "a"})
        self.ec2.delete_volume(VolumeId=volume)
        self.assertEqual(self.code(self.driver(), "delete_volume", VolumeId=volume), _REFUSED)

    def test_it_never_was(self) -> None:
        self.assertEqual(self.code(self.driver(), "delete_volume", VolumeId="vol-0123456789abcdef0"), _REFUSED)

    def test_a_deny_by_tag_holds(self) -> None:
        volume = self.volume({"Key": "team", "Value": "a"})
        client = self.aws.client(
            "ec2",
            self.world.principal(
                [allow("ec2:DeleteVolume"), deny("ec2:DeleteVolume", f"{EC2}:volume/*", StringEquals=_TEAM)]
            ),
        )
        self.ec2.delete_volume(VolumeId=volume)
        self.assertEqual(self.code(client, "delete_volume", VolumeId=volume), _REFUSED)

    def test_other_types(self) -> None:
        tagged = self.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=tagged, CidrBlock="10.8.0.0/24", AvailabilityZone=f"{REGION}a")
        interface = self.ec2.create_network_interface(
            SubnetId=subnet["Subnet"]["SubnetId"], TagSpecifications=[of_type("network-interface", team="a")]
        )["NetworkInterface"]["NetworkInterfaceId"]
        group = self.ec2.create_security_group(
            GroupName="gone", Description="x", VpcId=tagged, TagSpecifications=[of_type("security-group", team="a")]
        )["GroupId"]
        template = self.ec2.create_launch_template(
            LaunchTemplateName="gone",
            LaunchTemplateData={"InstanceType": "m7g.large"},
            TagSpecifications=[of_type("launch-template", team="a")],
        )["LaunchTemplate"]["LaunchTemplateId"]
        deletes = {
            "delete_network_interface": ({"NetworkInterfaceId": interface}, "InvalidNetworkInterfaceID.NotFound"),
            "delete_security_group": ({"GroupId": group}, "InvalidGroup.NotFound"),
            "delete_launch_template": ({"LaunchTemplateId": template}, "InvalidLaunchTemplateId.NotFound"),
        }
        mine = self.aws.client("ec2", self.world.principal([allow("ec2:Delete*", "*", StringEquals=_TEAM)]))
        others = self.aws.client(
            "ec2", self.world.principal([allow("ec2:Delete*", "*", StringEquals={"aws:ResourceTag/team": "b"})])
        )
        for method, (arguments, not_found) in deletes.items():
            with self.subTest(method):
                self.assertEqual(self.code(mine, method, **arguments), "")
                self.assertEqual(self.code(mine, method, **arguments), not_found)
                self.assertEqual(self.code(others, method, **arguments), _REFUSED)

    def test_other_keys_of_it(self) -> None:
        """Not its tags alone: every key that the resource gave."""
        volume = self.volume()
        statement = allow("ec2:DeleteVolume", "*", StringEquals={"ec2:VolumeType": "gp3"})
        client = self.aws.client("ec2", self.world.principal([statement]))
        self.assertEqual(self.code(client, "delete_volume", VolumeId=volume), "")
        self.assertEqual(self.code(client, "delete_volume", VolumeId=volume), "InvalidVolume.NotFound")


class Memories(unittest.TestCase):
    """The module alone: its time is the test's."""

    def setUp(self) -> None:
        self.now = 0.0
        self.memory = departed.Memory(clock=lambda: self.now)

    def test_it_ends(self) -> None:
        self.memory.keep("vol-1", {"Size": 1}, [{"Key": "team", "Value": "a"}])
        self.now = departed.SECONDS
        found = self.memory.find("vol-1")
        self.assertEqual(found and (found.record, found.tags), ({"Size": 1}, [{"Key": "team", "Value": "a"}]))
        self.now += 1
        self.assertIsNone(self.memory.find("vol-1"))

    def test_what_ended_takes_no_room(self) -> None:
        self.memory.keep("vol-1", {}, [])
        self.now = departed.SECONDS + 1
        self.memory.keep("vol-2", {}, [])
        # Back in time it would be found, were it still there.
        self.now = departed.SECONDS
        self.assertIsNone(self.memory.find("vol-1"))

    def test_a_store_tells_what_leaves_it(self) -> None:
        store, tags = AccountRegionScopedDict(), AccountRegionScopedDict()
        departed.watch([store], tags, self.memory)
        store["vol-1"], store["vol-2"], tags["vol-1"] = {"Size": 1}, {"Size": 2}, [{"Key": "team", "Value": "a"}]
        self.assertEqual(store.pop("vol-1"), {"Size": 1})
        del store["vol-2"]
        self.assertIsNone(store.pop("vol-3", None))
        sizes = {identity: (found.record["Size"], found.tags) for identity in ("vol-1", "vol-2", "vol-3")
                 if (found := self.memory.find(identity))}
        self.assertEqual(sizes, {"vol-1": (1, [{"Key": "team", "Value": "a"}]), "vol-2": (2, [])})


if __name__ == "__main__":
    unittest.main()
