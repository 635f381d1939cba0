"""Instance types, images, launch templates, fleets and instances, by real calls."""

import base64
import json
import unittest
from typing import Any

import parts
from botocore.exceptions import ClientError
from compute_stack import wait
from embedded import EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS
made: dict[str, str]

ARM, X86 = "arm64", "x86_64"
NO_CAPACITY, FAULT = "rehearsal.e6data.com/no-capacity", "rehearsal.e6data.com/fault"


def setUpModule() -> None:
    global aws, made
    aws = EmbeddedAWS()
    unittest.addModuleCleanup(aws.stop)
    small = {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.20.250.0/28", "AvailabilityZone": "us-east-1a"},
    }
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x", "VpcId": ref("Vpc")}}
    template = {
        "Resources": {
            **parts.network(),
            "Small": small,
            "Group": group,
            "Role": parts.role("ec2.amazonaws.com"),
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [ref("Role")]}},
            "Empty": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": []}},
        },
        "Outputs": parts.outputs(
            Vpc=ref("Vpc"),
            A=ref("Private0"),
            B=ref("Private1"),
            Small=ref("Small"),
            Group=att("Group", "GroupId"),
            Profile=ref("Profile"),
            Empty=ref("Empty"),
            Role=att("Role", "Arn"),
        ),
    }
    assert aws.deploy("compute", template) == "CREATE_COMPLETE", aws.reasons("compute")
    made = aws.outputs("compute")


def image(architecture: str, version: str = "1.35") -> str:
    name = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/standard/recommended/image_id"
    return aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]


def run(**more: Any) -> dict:
    """One instance, pending."""
    wanted = {
        "ImageId": image(ARM),
        "InstanceType": "m7g.large",
        "SubnetId": made["A"],
        "SecurityGroupIds": [made["Group"]],
        "MinCount": 1,
        "MaxCount": 1,
    }
    answer = aws.client("ec2").run_instances(**{k: v for k, v in {**wanted, **more}.items() if v is not None})
    return answer["Instances"][0]


def described(instance_id: str) -> dict:
    return aws.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def become(instance_id: str, state: str) -> dict:
    wait(f"{instance_id} is {state}", lambda: described(instance_id)["State"]["Name"] == state, 10)
    return described(instance_id)


def end(*instance_ids: str) -> None:
    aws.client("ec2").terminate_instances(InstanceIds=list(instance_ids))
    for instance_id in instance_ids:
        become(instance_id, "terminated")


def template(name: str, **data: Any) -> str:
    wanted = {"ImageId": image(ARM), "SecurityGroupIds": [made["Group"]], **data}
    return aws.client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData=wanted)[
        "LaunchTemplate"
    ]["LaunchTemplateId"]


def fleet(name: str, overrides: list[dict], spot: bool = False, **more: Any) -> dict:
    config = {"LaunchTemplateSpecification": {"LaunchTemplateName": name, "Version": "$Latest"}, "Overrides": overrides}
    return aws.client("ec2").create_fleet(
        **{
            "Type": "instant",
            "LaunchTemplateConfigs": [config],
            "TargetCapacitySpecification": {
                "TotalTargetCapacity": 1,
                "DefaultTargetCapacityType": "spot" if spot else "on-demand",
            },
            **more,
        }
    )


class Offers(unittest.TestCase):
    def test_types_have_the_figures_of_aws(self) -> None:
        names = ["m7g.xlarge", "r7gd.2xlarge", "t3.medium"]
        answer = aws.client("ec2").describe_instance_types(InstanceTypes=names)["InstanceTypes"]
        types = {t["InstanceType"]: t for t in answer}
        one = types["m7g.xlarge"]
        self.assertEqual(one["ProcessorInfo"]["SupportedArchitectures"], [ARM])
        self.assertEqual((one["VCpuInfo"]["DefaultVCpus"], one["MemoryInfo"]["SizeInMiB"]), (4, 16384))
        network = one["NetworkInfo"]
        self.assertEqual((network["MaximumNetworkInterfaces"], network["Ipv4AddressesPerInterface"]), (4, 15))
        self.assertEqual(one["Hypervisor"], "nitro")
        self.assertNotIn("InstanceStorageInfo", one)
        self.assertEqual(types["r7gd.2xlarge"]["InstanceStorageInfo"]["TotalSizeInGB"], 474)
        self.assertTrue(types["t3.medium"]["BurstablePerformanceSupported"])
        self.assertEqual(types["t3.medium"]["VCpuInfo"]["DefaultCores"], 1)

    def test_types_come_in_pages_and_by_filter(self) -> None:
        ec2 = aws.client("ec2")
        first = ec2.describe_instance_types(MaxResults=5)
        self.assertEqual(len(first["InstanceTypes"]), 5)
        second = ec2.describe_instance_types(MaxResults=5, NextToken=first["NextToken"])
        names = {t["InstanceType"] for page in (first, second) for t in page["InstanceTypes"]}
        self.assertEqual(len(names), 10)
        by_architecture = [{"Name": "processor-info.supported-architecture", "Values": [ARM]}]
        pages = ec2.get_paginator("describe_instance_types").paginate(Filters=by_architecture)
        families = {t["InstanceType"].split(".")[0] for page in pages for t in page["InstanceTypes"]}
        self.assertIn("c7gd", families)
        self.assertNotIn("m7i", families)
        wildcard = ec2.describe_instance_types(Filters=[{"Name": "instance-type", "Values": ["i4g.*"]}])
        self.assertEqual({t["InstanceType"].split(".")[0] for t in wildcard["InstanceTypes"]}, {"i4g"})
        with self.assertRaisesRegex(ClientError, "The filter 'colour' is invalid"):
            ec2.describe_instance_types(Filters=[{"Name": "colour", "Values": ["red"]}])
        with self.assertRaisesRegex(ClientError, r"InvalidInstanceType.*\[m99.huge\]"):
            ec2.describe_instance_types(InstanceTypes=["m99.huge"])
        with self.assertRaisesRegex(ClientError, "DryRunOperation"):
            ec2.describe_instance_types(DryRun=True)

    def test_offerings_by_zone(self) -> None:
        pages = (
            aws.client("ec2")
            .get_paginator("describe_instance_type_offerings")
            .paginate(LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["m7g.large"]}])
        )
        zones = {o["Location"] for page in pages for o in page["InstanceTypeOfferings"]}
        self.assertIn("us-east-1a", zones)
        self.assertNotIn("us-east-1-bos-1a", zones, "a local zone has few types")
        self.assertNotIn("us-east-1c", zones, "use1-az3 has none of this generation")

    def test_spot_is_cheaper_than_the_price_list(self) -> None:
        ec2, prices = aws.client("ec2"), aws.client("pricing")
        history = ec2.describe_spot_price_history(InstanceTypes=["m7g.large"], AvailabilityZone="us-east-1a")
        spot = float(history["SpotPriceHistory"][0]["SpotPrice"])
        filters = {"instanceType": "m7g.large", "regionCode": "us-east-1", "tenancy": "Shared"}
        listed = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in filters.items()]
        (product,) = prices.get_products(ServiceCode="AmazonEC2", Filters=listed)["PriceList"]
        (term,) = json.loads(product)["terms"]["OnDemand"].values()
        (dimension,) = term["priceDimensions"].values()
        self.assertLess(0, spot)
        self.assertLess(spot, float(dimension["pricePerUnit"]["USD"]))


class Images(unittest.TestCase):
    def test_every_version_and_architecture_has_an_image(self) -> None:
        for version in ("1.33", "1.34", "1.35", "1.36"):
            for architecture in (ARM, X86):
                with self.subTest(f"{version} {architecture}"):
                    found = aws.client("ec2").describe_images(ImageIds=[image(architecture, version)])["Images"][0]
                    self.assertEqual(found["Architecture"], architecture)
                    self.assertEqual(found["OwnerId"], "602401143452")
                    self.assertIn(f"-{version}-v", found["Name"])
                    self.assertEqual(found["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], 20)
                    self.assertEqual(found["State"], "available")

    def test_an_older_image_is_found_by_its_name(self) -> None:
        mine = {
            "Owners": ["amazon"],
            "Filters": [{"Name": "name", "Values": ["amazon-eks-node-al2023-arm64-*-1.35-*"]}],
        }
        found = aws.client("ec2").describe_images(**mine)["Images"]
        self.assertEqual(len(found), 2)
        name = min(found, key=lambda i: i["CreationDate"])["Name"]
        path = f"/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/standard/{name}/image_id"
        value = aws.client("ssm").get_parameter(Name=path)["Parameter"]["Value"]
        self.assertNotEqual(value, image(ARM))
        self.assertIn(value, [i["ImageId"] for i in found])

    def test_unknown_ones(self) -> None:
        path = "/aws/service/eks/optimized-ami/1.20/amazon-linux-2023/arm64/standard/recommended/image_id"
        with self.assertRaisesRegex(ClientError, "ParameterNotFound"):
            aws.client("ssm").get_parameter(Name=path)
        with self.assertRaisesRegex(ClientError, "InvalidAMIID.NotFound"):
            aws.client("ec2").describe_images(ImageIds=["ami-0123456789abcdef1"])


class LaunchTemplates(unittest.TestCase):
    def test_every_member_is_kept(self) -> None:
        data = {
            "ImageId": image(ARM),
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": "k", "Throughput": 250}}
            ],
            "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": [made["Group"]], "Ipv4PrefixCount": 1}],
            "PrivateDnsNameOptions": {"HostnameType": "ip-name"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        }
        ec2 = aws.client("ec2")
        tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "own", "Value": "1"}]}]
        ec2.create_launch_template(LaunchTemplateName="kept", LaunchTemplateData=data, TagSpecifications=tags)
        (version,) = ec2.describe_launch_template_versions(LaunchTemplateName="kept")["LaunchTemplateVersions"]
        kept = version["LaunchTemplateData"]
        self.assertEqual(kept["MetadataOptions"].pop("State"), "applied")
        self.assertEqual(kept, data)
        by_tag = ec2.describe_launch_templates(Filters=[{"Name": "tag:own", "Values": ["1"]}])["LaunchTemplates"]
        self.assertEqual([t["LaunchTemplateName"] for t in by_tag], ["kept"])

    def test_versions(self) -> None:
        ec2, name = aws.client("ec2"), {"LaunchTemplateName": "versions"}
        template("versions", InstanceType="m7g.large")
        ec2.create_launch_template_version(**name, SourceVersion="1", LaunchTemplateData={"InstanceType": "m7g.xlarge"})
        answer = ec2.describe_launch_template_versions(**name, Versions=["$Latest", "$Default"])
        versions = {v["VersionNumber"]: v["LaunchTemplateData"] for v in answer["LaunchTemplateVersions"]}
        self.assertEqual({n: d["InstanceType"] for n, d in versions.items()}, {1: "m7g.large", 2: "m7g.xlarge"})
        self.assertEqual(versions[2]["ImageId"], image(ARM), "taken over from version 1")
        ec2.modify_launch_template(**name, DefaultVersion="2")
        self.assertEqual(
            ec2.describe_launch_templates(LaunchTemplateNames=["versions"])["LaunchTemplates"][0][
                "DefaultVersionNumber"
            ],
            2,
        )
        with self.assertRaisesRegex(ClientError, "InvalidLaunchTemplateId.VersionNotFound"):
            ec2.describe_launch_template_versions(**name, Versions=["7"])

    def test_refusals(self) -> None:
        ec2 = aws.client("ec2")
        template("refusals")
        with self.assertRaisesRegex(ClientError, "InvalidLaunchTemplateName.AlreadyExistsException"):
            template("refusals")
        with self.assertRaisesRegex(ClientError, "DryRunOperation"):
            ec2.create_launch_template(LaunchTemplateName="dry", LaunchTemplateData={"ImageId": "x"}, DryRun=True)
        for arguments, code in (
            ({"LaunchTemplateNames": ["dry"]}, "InvalidLaunchTemplateName.NotFoundException"),
            ({"LaunchTemplateIds": ["lt-0123456789abcdef0"]}, "InvalidLaunchTemplateId.NotFound"),
        ):
            with self.assertRaisesRegex(ClientError, code):
                ec2.describe_launch_templates(**arguments)
        ec2.delete_launch_template(LaunchTemplateName="refusals")
        with self.assertRaisesRegex(ClientError, "InvalidLaunchTemplateName.NotFoundException"):
            ec2.delete_launch_template(LaunchTemplateName="refusals")


class Instances(unittest.TestCase):
    def test_a_life(self) -> None:
        ec2 = aws.client("ec2")
        tags = [{"Key": "name", "Value": "life"}]
        kinds = ("instance", "volume", "network-interface")
        instance = run(
            IamInstanceProfile={"Name": made["Profile"]},
            TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in kinds],
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        )
        self.assertEqual(instance["State"]["Name"], "pending")
        seen = become(instance["InstanceId"], "running")
        self.assertRegex(seen["PrivateIpAddress"], r"^10\.20\.0\.\d+$")
        self.assertEqual(seen["PrivateDnsName"], f"ip-{seen['PrivateIpAddress'].replace('.', '-')}.ec2.internal")
        self.assertEqual([g["GroupId"] for g in seen["SecurityGroups"]], [made["Group"]])
        self.assertIn(f"/{made['Profile']}", seen["IamInstanceProfile"]["Arn"])
        self.assertEqual(seen["MetadataOptions"]["HttpPutResponseHopLimit"], 1)
        self.assertEqual(seen["Placement"]["AvailabilityZone"], "us-east-1a")
        self.assertEqual((seen["Architecture"], seen.get("InstanceLifecycle")), (ARM, None))
        volume_id = seen["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        interface_id = seen["NetworkInterfaces"][0]["NetworkInterfaceId"]
        volume = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]
        self.assertEqual((volume["State"], volume["Size"], volume["Tags"]), ("in-use", 20, tags))
        interface = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"][0]
        self.assertEqual((interface["Status"], interface["TagSet"]), ("in-use", tags))
        self.assertEqual(interface["PrivateIpAddress"], seen["PrivateIpAddress"])
        with self.assertRaisesRegex(ClientError, "DependencyViolation"):
            ec2.delete_security_group(GroupId=made["Group"])
        with self.assertRaisesRegex(ClientError, "DependencyViolation"):
            ec2.delete_subnet(SubnetId=made["A"])
        with self.assertRaisesRegex(ClientError, "currently in use"):
            ec2.delete_network_interface(NetworkInterfaceId=interface_id)
        change = ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])["TerminatingInstances"][0]
        self.assertEqual(change["CurrentState"]["Name"], "shutting-down")
        gone = become(instance["InstanceId"], "terminated")
        self.assertNotIn("PrivateIpAddress", gone)
        for call, arguments in (
            (ec2.describe_volumes, {"VolumeIds": [volume_id]}),
            (ec2.describe_network_interfaces, {"NetworkInterfaceIds": [interface_id]}),
        ):
            with self.assertRaisesRegex(ClientError, "NotFound"):
                call(**arguments)

    def test_what_a_launch_template_holds_is_launched(self) -> None:
        data = {
            "InstanceType": "m7g.large",
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "DeleteOnTermination": False, "Encrypted": True}}
            ],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}],
        }
        template_id = template("launched", **data)
        instance = run(
            ImageId=None, InstanceType=None, SecurityGroupIds=None,
            LaunchTemplate={"LaunchTemplateId": template_id},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "own", "Value": "1"}]}],
        )  # fmt: skip
        tags = {t["Key"]: t["Value"] for t in described(instance["InstanceId"])["Tags"]}
        self.assertEqual(tags["from"], "template")
        self.assertEqual(tags["own"], "1")
        self.assertEqual(tags["aws:ec2launchtemplate:id"], template_id)
        volume_id = described(instance["InstanceId"])["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        end(instance["InstanceId"])
        volume = aws.client("ec2").describe_volumes(VolumeIds=[volume_id])["Volumes"][0]
        self.assertEqual((volume["State"], volume["Size"], volume["Encrypted"]), ("available", 50, True))
        aws.client("ec2").delete_volume(VolumeId=volume_id)

    def test_filters(self) -> None:
        one = run(TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "pool", "Value": "one"}]}])
        two = run(SubnetId=made["B"])
        both = {one["InstanceId"], two["InstanceId"]}
        for name, values, wanted in (
            ("tag:pool", ["o*"], {one["InstanceId"]}),
            ("tag-key", ["pool"], {one["InstanceId"]}),
            ("subnet-id", [made["B"]], {two["InstanceId"]}),
            ("vpc-id", [made["Vpc"]], both),
            ("instance.group-id", [made["Group"]], both),
            ("availability-zone", ["us-east-1b"], {two["InstanceId"]}),
        ):
            with self.subTest(name):
                filters = [
                    {"Name": name, "Values": values},
                    {"Name": "instance-state-name", "Values": ["pending", "running"]},
                ]
                found = aws.client("ec2").describe_instances(Filters=filters)["Reservations"]
                self.assertEqual({i["InstanceId"] for r in found for i in r["Instances"]}, wanted)
        end(*both)

    def test_stop_and_start(self) -> None:
        instance_id = run()["InstanceId"]
        become(instance_id, "running")
        aws.client("ec2").stop_instances(InstanceIds=[instance_id])
        address = become(instance_id, "stopped")["PrivateIpAddress"]
        aws.client("ec2").start_instances(InstanceIds=[instance_id])
        self.assertEqual(become(instance_id, "running")["PrivateIpAddress"], address)
        end(instance_id)

    def test_refusals(self) -> None:
        big = base64.b64encode(b"#" * 16_385).decode()
        tag = [{"ResourceType": "instance", "Tags": [{"Key": "aws:x", "Value": "y"}]}]
        small = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]
        for changed, code in (
            ({"ImageId": "ami-0123456789abcdef1"}, "InvalidAMIID.NotFound"),
            ({"ImageId": "x"}, "InvalidAMIID.Malformed"),
            ({"ImageId": image(X86)}, "The architecture 'arm64' of the specified instance type does not match"),
            ({"InstanceType": "m99.huge"}, "InvalidParameterValue.*m99.huge"),
            ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
            ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
            ({"SecurityGroupIds": ["sg-00000001"]}, "belong to different networks"),
            ({"IamInstanceProfile": {"Name": "none"}}, "Invalid IAM Instance Profile name"),
            ({"IamInstanceProfile": {"Name": made["Empty"]}}, "has no associated IAM Roles"),
            ({"KeyName": "none"}, "InvalidKeyPair.NotFound"),
            ({"UserData": big}, "User data is limited to 16384 bytes"),
            ({"TagSpecifications": tag}, "reserved for internal use"),
            ({"BlockDeviceMappings": small}, "InvalidBlockDeviceMapping"),
            ({"MinCount": 2}, "InvalidParameterValue"),
            ({"DryRun": True}, "DryRunOperation"),
        ):
            with self.subTest(str(changed)), self.assertRaisesRegex(ClientError, code):
                run(**changed)
        groups = [{"DeviceIndex": 0, "Groups": [made["Group"]]}]
        with self.assertRaisesRegex(ClientError, "InvalidParameterCombination"):
            run(NetworkInterfaces=groups)

    def test_addresses_run_out(self) -> None:
        ec2 = aws.client("ec2")

        def free() -> int:
            return ec2.describe_subnets(SubnetIds=[made["Small"]])["Subnets"][0]["AvailableIpAddressCount"]

        self.assertEqual(free(), 11)
        answer = ec2.run_instances(
            ImageId=image(ARM), InstanceType="m7g.large", SubnetId=made["Small"], MinCount=11, MaxCount=11
        )
        ids = [i["InstanceId"] for i in answer["Instances"]]
        self.assertEqual(len({i["PrivateIpAddress"] for i in answer["Instances"]}), 11)
        self.assertEqual(free(), 0)
        with self.assertRaisesRegex(ClientError, "InsufficientFreeAddressesInSubnet"):
            run(SubnetId=made["Small"])
        end(*ids)
        self.assertEqual(free(), 11)

    def test_termination_protection(self) -> None:
        instance_id = run(DisableApiTermination=True)["InstanceId"]
        with self.assertRaisesRegex(ClientError, "OperationNotPermitted"):
            aws.client("ec2").terminate_instances(InstanceIds=[instance_id])

    def test_unknown_instances(self) -> None:
        ec2 = aws.client("ec2")
        for instance_id, code in (("i-0123456789abcdef0", "NotFound"), ("i-x", "Malformed")):
            for call in (ec2.describe_instances, ec2.terminate_instances, ec2.describe_instance_status):
                with self.assertRaisesRegex(ClientError, f"InvalidInstanceID.{code}"):
                    call(InstanceIds=[instance_id])


class Fleets(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        template("fleet")

    def tearDown(self) -> None:
        aws.client("ec2").delete_tags(Resources=[made["A"]], Tags=[{"Key": NO_CAPACITY}])

    def overrides(self, *types: str) -> list[dict]:
        subnets = (made["A"], made["B"])
        return [{"InstanceType": t, "SubnetId": s, "ImageId": image(ARM)} for t in types for s in subnets]

    def no_capacity(self, types: str) -> None:
        aws.client("ec2").create_tags(Resources=[made["A"]], Tags=[{"Key": NO_CAPACITY, "Value": types}])

    def test_the_cheapest_is_launched(self) -> None:
        answer = fleet("fleet", self.overrides("m7g.2xlarge", "c7g.large"))
        (launched,) = answer["Instances"]
        self.assertEqual((launched["InstanceType"], launched["Lifecycle"]), ("c7g.large", "on-demand"))
        told = launched["LaunchTemplateAndOverrides"]["Overrides"]
        self.assertEqual((told["SubnetId"], told["AvailabilityZone"]), (made["A"], "us-east-1a"))
        self.assertEqual(told["ImageId"], image(ARM))
        self.assertEqual(answer["Errors"], [])
        instance = described(launched["InstanceIds"][0])
        tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
        self.assertEqual(tags["aws:ec2:fleet-id"], answer["FleetId"])
        described_fleet = aws.client("ec2").describe_fleets(FleetIds=[answer["FleetId"]])["Fleets"][0]
        self.assertEqual(described_fleet["ActivityStatus"], "fulfilled")
        end(launched["InstanceIds"][0])

    def test_spot(self) -> None:
        (launched,) = fleet("fleet", self.overrides("m7g.large"), spot=True)["Instances"]
        instance = described(launched["InstanceIds"][0])
        self.assertEqual((launched["Lifecycle"], instance["InstanceLifecycle"]), ("spot", "spot"))
        self.assertRegex(instance["SpotInstanceRequestId"], "^sir-")
        end(launched["InstanceIds"][0])

    def test_no_capacity_in_a_zone(self) -> None:
        self.no_capacity("c7g.* m7g.large")
        answer = fleet("fleet", self.overrides("c7g.large"))
        self.assertEqual(answer["Instances"][0]["LaunchTemplateAndOverrides"]["Overrides"]["SubnetId"], made["B"])
        (error,) = answer["Errors"]
        self.assertEqual(error["ErrorCode"], "InsufficientInstanceCapacity")
        self.assertIn("do not have sufficient c7g.large capacity", error["ErrorMessage"])
        self.assertEqual(error["LaunchTemplateAndOverrides"]["Overrides"]["AvailabilityZone"], "us-east-1a")
        with self.assertRaisesRegex(ClientError, "InsufficientInstanceCapacity"):
            run()
        end(answer["Instances"][0]["InstanceIds"][0])

    def test_no_spot_capacity(self) -> None:
        self.no_capacity("spot/*")
        only_here = [o for o in self.overrides("m7g.large") if o["SubnetId"] == made["A"]]
        answer = fleet("fleet", only_here, spot=True)
        self.assertEqual((answer["Instances"], len(answer["Errors"])), ([], 1))
        end(fleet("fleet", only_here)["Instances"][0]["InstanceIds"][0])

    def test_what_is_wrong_with_a_launch_is_in_the_errors(self) -> None:
        template("wrong", IamInstanceProfile={"Name": "none"})
        answer = fleet("wrong", self.overrides("m7g.large"))
        self.assertEqual(answer["Instances"], [])
        self.assertEqual({e["ErrorCode"] for e in answer["Errors"]}, {"InvalidParameterValue"})
        self.assertIn("Invalid IAM Instance Profile name", answer["Errors"][0]["ErrorMessage"])

    def test_refusals(self) -> None:
        with self.assertRaisesRegex(ClientError, "InvalidLaunchTemplateName.NotFoundException"):
            fleet("nothing", self.overrides("m7g.large"))
        with self.assertRaisesRegex(ClientError, "DryRunOperation"):
            fleet("fleet", self.overrides("m7g.large"), DryRun=True)


class Events(unittest.TestCase):
    """What EC2 tells the default event bus arrives in a queue, as Karpenter's interruption queue gets it."""

    @classmethod
    def setUpClass(cls) -> None:
        sqs, events = aws.client("sqs"), aws.client("events")
        cls.queue = sqs.create_queue(QueueName="events")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=cls.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
        statement = {**service, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps(parts.document([statement]))
        sqs.set_queue_attributes(QueueUrl=cls.queue, Attributes={"Policy": policy})
        events.put_rule(Name="ec2", EventPattern=json.dumps({"source": ["aws.ec2", "aws.health", "test"]}))
        events.put_targets(Rule="ec2", Targets=[{"Id": "queue", "Arn": arn}])

    def arrived(self, kind: str, **details: str) -> dict:
        """The event of a kind with these details."""
        sqs, seen = aws.client("sqs"), []

        def look() -> dict | None:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                seen.append(json.loads(message["Body"]))
            fitting = (e for e in seen if e["detail-type"] == kind and details.items() <= e["detail"].items())
            return next(fitting, None)

        return wait(f"{kind} {details}", look, 15)

    def test_states(self) -> None:
        instance_id = run()["InstanceId"]
        become(instance_id, "running")
        end(instance_id)
        kind, here = "EC2 Instance State-change Notification", {"instance-id": instance_id}
        event = self.arrived(kind, state="terminated", **here)
        self.assertEqual(event["source"], "aws.ec2")
        self.assertTrue(event["resources"][0].endswith(f"instance/{instance_id}"))

    def test_planted_interruptions(self) -> None:
        instance_id = run(InstanceMarketOptions={"MarketType": "spot"})["InstanceId"]
        become(instance_id, "running")
        ec2, here = aws.client("ec2"), {"instance-id": instance_id}
        with self.assertRaisesRegex(ClientError, "plays no fault Flood"):
            ec2.create_tags(Resources=[instance_id], Tags=[{"Key": FAULT, "Value": "Flood"}])
        ec2.create_tags(Resources=[instance_id], Tags=[{"Key": FAULT, "Value": "RebalanceRecommendation"}])
        self.arrived("EC2 Instance Rebalance Recommendation", **here)
        ec2.create_tags(Resources=[instance_id], Tags=[{"Key": FAULT, "Value": "SpotInterruption"}])
        self.arrived("EC2 Spot Instance Interruption Warning", **here, **{"instance-action": "terminate"})
        become_terminated = lambda: described(instance_id)["State"]["Name"] == "terminated"  # noqa: E731
        wait("the instance is reclaimed", become_terminated, 40)

    def test_a_failed_status_check(self) -> None:
        instance_id = run()["InstanceId"]
        become(instance_id, "running")
        ec2, impaired = aws.client("ec2"), [{"Name": "instance-status.status", "Values": ["impaired"]}]
        self.assertEqual(ec2.describe_instance_status(Filters=impaired)["InstanceStatuses"], [])
        ec2.create_tags(Resources=[instance_id], Tags=[{"Key": FAULT, "Value": "Impaired"}])
        statuses = wait("it is impaired", lambda: ec2.describe_instance_status(Filters=impaired)["InstanceStatuses"], 5)
        self.assertEqual(statuses[0]["InstanceId"], instance_id)
        end(instance_id)

    def test_nobody_else_speaks_for_ec2(self) -> None:
        entry = {"Source": "aws.ec2", "DetailType": "EC2 Spot Instance Interruption Warning", "Detail": "{}"}
        answer = aws.client("events").put_events(Entries=[entry, {**entry, "Source": "test"}])
        self.assertEqual(answer["Entries"][0]["ErrorCode"], "NotAuthorizedForSourceException")
        self.arrived("EC2 Spot Instance Interruption Warning")
