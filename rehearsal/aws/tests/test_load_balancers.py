"""Load balancers and volumes: what AWS refuses, and what is left of them on EC2."""

import unittest
from typing import Any

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS
from parts import ref

aws: EmbeddedAWS
made: dict[str, str]


def setUpModule() -> None:
    global aws, made
    aws = EmbeddedAWS()
    names = ("Vpc", "Public0", "Public1", "Private0", "Private1")
    template = {"Resources": parts.network(), "Outputs": parts.outputs(**{name: ref(name) for name in names})}
    assert aws.deploy("net", template) == "CREATE_COMPLETE", aws.reasons("net")
    made = aws.outputs("net")


def tearDownModule() -> None:
    aws.stop()


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.elb, self.ec2 = aws.client("elbv2"), aws.client("ec2")

    def refused(self, code: str, call: Any, **arguments: Any) -> str:
        with self.assertRaises(ClientError) as refused:
            call(**arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code, refused.exception)
        return refused.exception.response["Error"]["Message"]

    def balancer(self, name: str, **more: Any) -> dict:
        arguments = {"Subnets": [made["Private0"], made["Private1"]], "Scheme": "internal", **more}
        found = self.elb.create_load_balancer(Name=name, **arguments)["LoadBalancers"][0]
        self.addCleanup(self.elb.delete_load_balancer, LoadBalancerArn=found["LoadBalancerArn"])
        return found

    def group(self, name: str) -> str:
        arguments = {"GroupName": name, "Description": "test", "VpcId": made["Vpc"]}
        found = self.ec2.create_security_group(**arguments)["GroupId"]
        self.addCleanup(self.ec2.delete_security_group, GroupId=found)
        return found

    def network(self, start: str) -> tuple[str, list[str]]:
        """A network with a subnet in each of two zones, and no gateway."""
        vpc = self.ec2.create_vpc(CidrBlock=f"{start}.0.0/16")["Vpc"]["VpcId"]
        zones = {"us-east-1a": f"{start}.0.0/24", "us-east-1b": f"{start}.1.0/24"}
        ids = []
        for zone, block in zones.items():
            subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]
            ids.append(subnet["SubnetId"])
        return vpc, ids

    def targets(self, name: str, **more: Any) -> str:
        arguments = {"Protocol": "HTTP", "Port": 80, "VpcId": made["Vpc"], "TargetType": "ip", **more}
        arn = self.elb.create_target_group(Name=name, **arguments)["TargetGroups"][0]["TargetGroupArn"]
        self.addCleanup(self.elb.delete_target_group, TargetGroupArn=arn)
        return arn

    def listener(self, balancer: dict, targets: str, port: int = 80, protocol: str = "HTTP") -> str:
        made_listener = self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Port=port,
            Protocol=protocol,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
        )
        return made_listener["Listeners"][0]["ListenerArn"]


class Balancers(Case):
    def test_names_are_as_on_aws(self) -> None:
        inside, outside = self.balancer("inside"), self.balancer("outside", Scheme="internet-facing")
        network = self.balancer("net", Type="network")
        self.assertRegex(inside["LoadBalancerArn"], r":loadbalancer/app/inside/[0-9a-f]{16}$")
        self.assertRegex(network["LoadBalancerArn"], r":loadbalancer/net/net/[0-9a-f]{16}$")
        self.assertRegex(inside["DNSName"], r"^internal-inside-\d+\.us-east-1\.elb\.amazonaws\.com$")
        self.assertRegex(outside["DNSName"], r"^outside-\d+\.us-east-1\.elb\.amazonaws\.com$")
        self.assertRegex(network["DNSName"], r"^net-[0-9a-f]{16}\.elb\.us-east-1\.amazonaws\.com$")
        self.assertEqual(inside["CanonicalHostedZoneId"], "Z35SXDOTRQ7X7K")
        self.assertEqual(network["CanonicalHostedZoneId"], "Z26RNL4JYFTOTI")
        self.assertEqual(inside["VpcId"], made["Vpc"])
        self.assertEqual({z["ZoneName"] for z in inside["AvailabilityZones"]}, {"us-east-1a", "us-east-1b"})

    def test_refusals(self) -> None:
        create, both = self.elb.create_load_balancer, [made["Private0"], made["Private1"]]
        self.refused("ValidationError", create, Name="x" * 33, Subnets=both)
        self.refused("ValidationError", create, Name="internal-x", Subnets=both)
        text = self.refused("ValidationError", create, Name="one", Subnets=both[:1])
        self.assertIn("At least two subnets in two different Availability Zones", text)
        same_zone = [made["Private0"], made["Public0"]]
        self.refused("InvalidConfigurationRequest", create, Name="zone", Subnets=same_zone)
        self.refused("SubnetNotFound", create, Name="gone", Subnets=["subnet-0", "subnet-1"])
        self.refused("InvalidConfigurationRequest", create, Name="sg", Subnets=both, SecurityGroups=["sg-0"])
        self.balancer("taken")
        settings = {"Subnets": both, "Scheme": "internet-facing"}
        self.refused("DuplicateLoadBalancerName", create, Name="taken", **settings)

    def test_network_without_gateway_has_nothing_that_faces_the_internet(self) -> None:
        _, ids = self.network("10.99")
        text = self.refused("InvalidSubnet", self.elb.create_load_balancer, Name="shut", Subnets=ids)
        self.assertIn("has no internet gateway", text)
        self.balancer("open", Subnets=ids)

    def test_its_interfaces_hold_subnets_and_security_groups(self) -> None:
        group = self.ec2.create_security_group(GroupName="held", Description="test", VpcId=made["Vpc"])["GroupId"]
        found = self.balancer("holder", SecurityGroups=[group])
        described = self.ec2.describe_network_interfaces(
            Filters=[{"Name": "description", "Values": ["ELB app/holder/*"]}]
        )["NetworkInterfaces"]
        self.assertEqual({i["SubnetId"] for i in described}, {made["Private0"], made["Private1"]})
        self.assertEqual({(i["RequesterManaged"], i["Status"]) for i in described}, {(True, "in-use")})
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=made["Private0"])
        interface = described[0]["NetworkInterfaceId"]
        self.refused("InvalidParameterValue", self.ec2.delete_network_interface, NetworkInterfaceId=interface)
        self.elb.delete_load_balancer(LoadBalancerArn=found["LoadBalancerArn"])
        left = self.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [made["Vpc"]]}])
        self.assertEqual([i for i in left["NetworkInterfaces"] if i["Description"].startswith("ELB app/holder/")], [])
        self.ec2.delete_security_group(GroupId=group)

    def test_public_one_holds_the_gateway(self) -> None:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        vpc, ids = self.network("10.98")
        arguments = {"InternetGatewayId": gateway, "VpcId": vpc}
        self.ec2.attach_internet_gateway(**arguments)
        found = self.balancer("public", Scheme="internet-facing", Subnets=ids)
        text = self.refused("DependencyViolation", self.ec2.detach_internet_gateway, **arguments)
        self.assertIn("mapped public address", text)
        self.elb.delete_load_balancer(LoadBalancerArn=found["LoadBalancerArn"])
        self.ec2.detach_internet_gateway(**arguments)

    def test_deletion_protection(self) -> None:
        arn = self.balancer("kept")["LoadBalancerArn"]
        change = self.elb.modify_load_balancer_attributes
        key = "deletion_protection.enabled"
        change(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": "true"}])
        self.refused("OperationNotPermitted", self.elb.delete_load_balancer, LoadBalancerArn=arn)
        change(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": "false"}])

    def test_change_of_subnets_and_groups_moves_the_interfaces(self) -> None:
        group = self.group("moved-to")
        found = self.balancer("moved")
        wanted = [made["Public0"], made["Public1"]]
        self.elb.set_subnets(LoadBalancerArn=found["LoadBalancerArn"], Subnets=wanted)
        self.elb.set_security_groups(LoadBalancerArn=found["LoadBalancerArn"], SecurityGroups=[group])
        here = [{"Name": "description", "Values": ["ELB app/moved/*"]}]
        described = self.ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"]
        self.assertEqual({i["SubnetId"] for i in described}, set(wanted))
        self.assertEqual({g["GroupId"] for i in described for g in i["Groups"]}, {group})


class Targets(Case):
    def test_group_in_use_stays_until_its_listener_goes(self) -> None:
        targets = self.targets("used")
        listener = self.listener(self.balancer("user"), targets)
        text = self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=targets)
        self.assertIn("is currently in use by a listener or a rule", text)
        self.elb.delete_listener(ListenerArn=listener)
        described = self.elb.describe_target_groups(TargetGroupArns=[targets])["TargetGroups"][0]
        self.assertEqual(described["LoadBalancerArns"], [])

    def test_group_in_use_by_a_rule(self) -> None:
        targets, other = self.targets("plain"), self.targets("ruled")
        listener = self.listener(self.balancer("rules"), targets)
        create, condition = self.elb.create_rule, [{"Field": "path-pattern", "Values": ["/a"]}]
        forward = {"TargetGroups": [{"TargetGroupArn": targets, "Weight": 1}, {"TargetGroupArn": other, "Weight": 3}]}
        arguments = {"ListenerArn": listener, "Priority": 1, "Conditions": condition}
        actions = [{"Type": "forward", "ForwardConfig": forward}]
        rule = create(**arguments, Actions=actions)["Rules"][0]
        self.assertEqual(rule["Actions"][0]["ForwardConfig"]["TargetGroups"], forward["TargetGroups"])
        self.refused("PriorityInUse", create, **arguments, Actions=actions)
        self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=other)
        self.elb.delete_rule(RuleArn=rule["RuleArn"])

    def test_group_is_in_one_load_balancer_only(self) -> None:
        targets = self.targets("single")
        self.listener(self.balancer("first"), targets)
        second = self.balancer("second")["LoadBalancerArn"]
        actions = [{"Type": "forward", "TargetGroupArn": targets}]
        arguments = {"LoadBalancerArn": second, "Port": 80, "Protocol": "HTTP", "DefaultActions": actions}
        self.refused("TargetGroupAssociationLimit", self.elb.create_listener, **arguments)

    def test_listeners(self) -> None:
        targets, web = self.targets("tcp", Protocol="TCP"), self.targets("http")
        network = self.balancer("tcp", Type="network")
        self.assertRegex(
            self.listener(network, targets, protocol="TCP"), r":listener/net/tcp/[0-9a-f]{16}/[0-9a-f]{16}$"
        )
        forward = [{"Type": "forward", "TargetGroupArn": targets}]
        common = {"LoadBalancerArn": network["LoadBalancerArn"], "DefaultActions": forward}
        self.refused("DuplicateListener", self.elb.create_listener, Port=80, Protocol="TCP", **common)
        self.refused("ValidationError", self.elb.create_listener, Port=81, Protocol="HTTP", **common)
        self.refused("ValidationError", self.elb.create_listener, Port=81, Protocol="TLS", **common)
        common["DefaultActions"] = [{"Type": "forward", "TargetGroupArn": web}]
        self.refused("InvalidConfigurationRequest", self.elb.create_listener, Port=81, Protocol="TCP", **common)

    def test_targets(self) -> None:
        addresses, instances = self.targets("addresses"), self.targets("instances", TargetType="instance")
        register = self.elb.register_targets
        outside = [{"Id": "172.16.0.1", "Port": 80}]
        self.refused("ValidationError", register, TargetGroupArn=addresses, Targets=outside)
        nobody = [{"Id": "i-0123456789abcdef0"}]
        self.refused("InvalidTarget", register, TargetGroupArn=instances, Targets=nobody)
        inside = [{"Id": "10.20.0.10", "Port": 80}, {"Id": "10.20.0.10", "Port": 81}]
        register(TargetGroupArn=addresses, Targets=[*inside, {**outside[0], "AvailabilityZone": "all"}])
        found = self.elb.describe_target_health(TargetGroupArn=addresses)["TargetHealthDescriptions"]
        self.assertEqual(len(found), 3)
        self.assertEqual({t["TargetHealth"]["State"] for t in found}, {"unused"})
        self.elb.deregister_targets(TargetGroupArn=addresses, Targets=inside[:1])
        self.listener(self.balancer("targets"), addresses)
        found = self.elb.describe_target_health(TargetGroupArn=addresses)["TargetHealthDescriptions"]
        self.assertEqual(
            {(t["Target"]["Port"], t["TargetHealth"]["State"]) for t in found}, {(81, "healthy"), (80, "healthy")}
        )


class Volumes(Case):
    def volume(self, **more: Any) -> str:
        arguments = {"AvailabilityZone": "us-east-1a", "Size": 10, "VolumeType": "gp3", **more}
        return self.ec2.create_volume(**arguments)["VolumeId"]

    def test_refusals(self) -> None:
        create, good = self.ec2.create_volume, {"AvailabilityZone": "us-east-1a", "Size": 10}
        self.refused("InvalidParameterValue", create, **{**good, "AvailabilityZone": "eu-west-1a"})
        self.refused("InvalidParameterValue", create, **{**good, "Size": 20000}, VolumeType="gp2")
        self.refused("InvalidParameterValue", create, **good, VolumeType="gp3", Iops=100)
        self.refused("InvalidParameterCombination", create, **good, VolumeType="gp2", Throughput=125)
        self.refused("InvalidParameterDependency", create, **good, KmsKeyId="alias/aws/ebs")
        self.refused("MissingParameter", create, AvailabilityZone="us-east-1a", VolumeType="gp3")
        self.refused("InvalidVolume.NotFound", self.ec2.delete_volume, VolumeId="vol-0")

    def test_same_client_token_makes_one_volume(self) -> None:
        self.assertEqual(self.volume(ClientToken="t"), self.volume(ClientToken="t"))
        self.assertNotEqual(self.volume(ClientToken="u"), self.volume(ClientToken="v"))

    def test_key_and_tags_are_kept(self) -> None:
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "CSIVolumeName", "Value": "pvc-1"}]}]
        volume = self.volume(Encrypted=True, KmsKeyId=key, TagSpecifications=tags)
        described = self.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
        self.assertEqual(described["Tags"], tags[0]["Tags"])
        self.assertTrue(described["Encrypted"])

    def test_attached_volume_stays(self) -> None:
        image = "ami-0123456789abcdef0"
        images = self.ec2.describe_images(Owners=["amazon"])["Images"]
        image = images[0]["ImageId"]
        run = {
            "ImageId": image,
            "InstanceType": "m7i.large",
            "MinCount": 1,
            "MaxCount": 1,
            "SubnetId": made["Private0"],
        }
        if images[0]["Architecture"] == "arm64":
            run["InstanceType"] = "m7g.large"
        instance = self.ec2.run_instances(**run)["Instances"][0]["InstanceId"]
        self.addCleanup(self.ec2.terminate_instances, InstanceIds=[instance])
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        volume, elsewhere = self.volume(), self.volume(AvailabilityZone="us-east-1b")
        arguments = {"InstanceId": instance, "Device": "/dev/xvdaa"}
        self.refused("InvalidVolume.ZoneMismatch", self.ec2.attach_volume, VolumeId=elsewhere, **arguments)
        self.ec2.attach_volume(VolumeId=volume, **arguments)
        self.refused("VolumeInUse", self.ec2.attach_volume, VolumeId=volume, InstanceId=instance, Device="/dev/xvdab")
        self.refused("VolumeInUse", self.ec2.delete_volume, VolumeId=volume)
        self.ec2.detach_volume(VolumeId=volume)
        self.refused("IncorrectState", self.ec2.detach_volume, VolumeId=volume)
        self.ec2.delete_volume(VolumeId=volume)


if __name__ == "__main__":
    unittest.main()
