"""Instances that become nodes, and managed node groups: needs the embedded EKS."""

import base64
import json
import time
import unittest
from typing import Any

import compute_stack
from botocore.exceptions import ClientError
from cluster_api import ClusterAPI, is_ready
from compute_stack import CLUSTER, VERSION, wait
from embedded import LOCALKUBE, NO_LOCALKUBE, EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS
api: ClusterAPI
made: dict[str, str]

GROUP = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
DRAIN_SECONDS = 2


def setUpModule() -> None:
    if not LOCALKUBE:
        raise unittest.SkipTest(NO_LOCALKUBE)
    global aws, api, made
    aws = EmbeddedAWS(REHEARSAL_DRAIN_SECONDS=str(DRAIN_SECONDS))
    unittest.addModuleCleanup(aws.stop)
    assert aws.deploy("compute", compute_stack.template()) == "CREATE_COMPLETE", aws.reasons("compute")
    api, made = compute_stack.cluster_api(aws), aws.outputs("compute")


def published() -> list[dict[str, Any]]:
    """What the embedded EKS is told."""
    file = api.directory / "instances.json"
    return json.loads(file.read_text()) if file.exists() else []


def node_config(**changed: str) -> str:
    record = aws.client("eks").describe_cluster(name=CLUSTER)["cluster"]
    cluster = {
        "name": CLUSTER,
        "apiServerEndpoint": record["endpoint"],
        "certificateAuthority": record["certificateAuthority"]["data"],
        "cidr": record["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
        **changed,
    }
    kubelet = {"flags": ["--node-labels=own=1"], "config": {"maxPods": 20}}
    kind = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig"}
    return json.dumps({**kind, "spec": {"cluster": cluster, "kubelet": kubelet}})


def image(architecture: str) -> str:
    path = f"/aws/service/eks/optimized-ami/{VERSION}/amazon-linux-2023/{architecture}/standard/recommended/image_id"
    return aws.client("ssm").get_parameter(Name=path)["Parameter"]["Value"]


def multipart(node_config: str) -> str:
    head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
    return f"{head}--b\nContent-Type: application/node.eks.aws\n\n{node_config}\n--b--\n"


def run(user_data: str, **more: Any) -> str:
    # JSON is YAML, too.
    text = multipart(user_data)
    answer = aws.client("ec2").run_instances(
        **{
            "ImageId": image("arm64"),
            "InstanceType": "m7g.large",
            "SubnetId": made["Private0"],
            "SecurityGroupIds": [made["Group"]],
            "IamInstanceProfile": {"Name": "node"},
            "UserData": text,
            "MinCount": 1,
            "MaxCount": 1,
            **more,
        }
    )
    return answer["Instances"][0]["InstanceId"]


def end(instance_id: str) -> None:
    aws.client("ec2").terminate_instances(InstanceIds=[instance_id])


def is_running(instance_id: str) -> bool:
    found = aws.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found["State"]["Name"] == "running"


class Nodes(unittest.TestCase):
    def test_an_instance_is_a_node_until_it_ends(self) -> None:
        instance_id = run(node_config())
        wait("it is told of", lambda: [n for n in published() if n["instanceId"] == instance_id], 10)
        told = next(n for n in published() if n["instanceId"] == instance_id)
        self.assertEqual((told["arch"], told["cpu"], told["memoryMiB"], told["maxPods"]), ("arm64", 2, 8192, 20))
        self.assertEqual((told["labels"], told["taints"], told["zone"]), ({"own": "1"}, [], "us-east-1a"))
        self.assertTrue(told["roleArn"].endswith(":role/node"))
        node = wait("its node is Ready", lambda: (n := api.nodes().get(instance_id)) and is_ready(n) and n, 30)
        self.assertEqual(node["metadata"]["name"], told["name"])
        self.assertEqual(node["metadata"]["labels"]["own"], "1")
        self.assertEqual(node["status"]["capacity"]["pods"], "20")
        end(instance_id)
        wait("its node is gone", lambda: instance_id not in api.nodes(), 30)
        self.assertNotIn(instance_id, [n["instanceId"] for n in published()])

    def test_what_runs_and_never_becomes_a_node(self) -> None:
        cases: dict[str, tuple[str, dict[str, Any]]] = {
            "another endpoint": (node_config(apiServerEndpoint="https://127.0.0.1:1"), {}),
            "another authority": (node_config(certificateAuthority="Q0E="), {}),
            "another cluster": (node_config(name="other"), {}),
            "no NodeConfig": ("", {}),
            "no role": (node_config(), {"IamInstanceProfile": {}}),
            "another image": (node_config(), {"ImageId": "ami-0c2023a1b2c3d4e5f", "InstanceType": "m7i.large"}),
        }
        ids = {name: run(text, **more) for name, (text, more) in cases.items()}
        good = run(node_config())
        wait("the good one is told of", lambda: good in [n["instanceId"] for n in published()], 10)
        for name, instance_id in ids.items():
            with self.subTest(name):
                wait("it runs", lambda i=instance_id: is_running(i), 10)
                self.assertNotIn(instance_id, [n["instanceId"] for n in published()])
            end(instance_id)
        end(good)

    def test_a_node_waits_for_its_way_out(self) -> None:
        ec2 = aws.client("ec2")
        vpc_id = ec2.describe_subnets(SubnetIds=[made["Private0"]])["Subnets"][0]["VpcId"]
        subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.20.240.0/24", AvailabilityZone="us-east-1a")[
            "Subnet"
        ]["SubnetId"]
        instance_id, other = run(node_config(), SubnetId=subnet_id), run(node_config())
        wait("another is told of", lambda: other in [n["instanceId"] for n in published()], 10)
        wait("it runs", lambda: is_running(instance_id), 10)
        self.assertNotIn(instance_id, [n["instanceId"] for n in published()])
        by_subnet = [{"Name": "association.subnet-id", "Values": [made["Private0"]]}]
        (table,) = ec2.describe_route_tables(Filters=by_subnet)["RouteTables"]
        ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=subnet_id)
        wait("it is told of", lambda: instance_id in [n["instanceId"] for n in published()], 10)
        end(instance_id)
        end(other)


class NodeGroups(unittest.TestCase):
    def create(self, name: str, **more: Any) -> None:
        wanted = {
            "clusterName": CLUSTER,
            "nodegroupName": name,
            "nodeRole": aws.client("iam").get_role(RoleName="node")["Role"]["Arn"],
            "subnets": [made["Private0"], made["Private1"]],
            "amiType": "AL2023_ARM_64_STANDARD",
            "instanceTypes": ["t4g.medium"],
            "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
            **more,
        }
        aws.client("eks").create_nodegroup(**{k: v for k, v in wanted.items() if v is not None})
        self.addCleanup(self.delete_left, name)  # a group that a failed test leaves would fail the others

    def delete_left(self, name: str) -> None:
        if name in aws.client("eks").list_nodegroups(clusterName=CLUSTER)["nodegroups"]:
            wait(f"{name} settles", lambda: not self.describe(name)["status"].endswith("ING"), 90)
            self.delete(name)

    def taints(self, instance_id: str) -> list[str]:
        return [taint["key"] for taint in api.nodes()[instance_id]["spec"].get("taints", [])]

    def describe(self, name: str) -> dict:
        return aws.client("eks").describe_nodegroup(clusterName=CLUSTER, nodegroupName=name)["nodegroup"]

    def settle(self, name: str, status: str = "ACTIVE") -> dict:
        unsettled = ("CREATING", "UPDATING", "DELETING")
        wait(f"{name} settles", lambda: self.describe(name)["status"] not in unsettled, 90)
        group = self.describe(name)
        self.assertEqual(group["status"], status, group["health"])
        return group

    def delete(self, name: str) -> None:
        aws.client("eks").delete_nodegroup(clusterName=CLUSTER, nodegroupName=name)

        def is_gone() -> bool:
            return name not in aws.client("eks").list_nodegroups(clusterName=CLUSTER)["nodegroups"]

        wait(f"{name} is gone", is_gone, 90)

    def instances(self, name: str) -> dict[str, dict]:
        filters = [
            {"Name": "tag:eks:nodegroup-name", "Values": [name]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
        found = aws.client("ec2").describe_instances(Filters=filters)["Reservations"]
        return {i["InstanceId"]: i for r in found for i in r["Instances"]}

    def test_a_group_with_a_launch_template(self) -> None:
        ec2, eks = aws.client("ec2"), aws.client("eks")
        data: dict[str, Any] = {
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 40, "VolumeType": "gp3"}}],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "app", "Value": "e6data"}]}],
        }
        template = ec2.create_launch_template(LaunchTemplateName="group", LaunchTemplateData=data)["LaunchTemplate"]
        own = {"id": template["LaunchTemplateId"], "version": "1"}
        taint = {"key": "only", "value": "us", "effect": "NO_SCHEDULE"}
        before = {t["LaunchTemplateId"] for t in ec2.describe_launch_templates()["LaunchTemplates"]}
        self.create("own", launchTemplate=own, labels={"app": "e6data"}, taints=[taint])
        self.assertEqual(self.describe("own")["status"], "CREATING")
        with self.assertRaisesRegex(ClientError, "Cluster has nodegroups attached"):
            eks.delete_cluster(name=CLUSTER)
        group = self.settle("own")
        self.assertEqual(group["launchTemplate"]["version"], "1")
        first = self.instances("own")
        self.assertEqual({i["SubnetId"] for i in first.values()}, {made["Private0"], made["Private1"]})
        for instance_id, instance in first.items():
            tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
            self.assertEqual(tags["app"], "e6data")
            self.assertEqual(tags[f"kubernetes.io/cluster/{CLUSTER}"], "owned")
            self.assertEqual(tags["aws:autoscaling:groupName"], group["resources"]["autoScalingGroups"][0]["name"])
            self.assertEqual(instance["MetadataOptions"]["HttpPutResponseHopLimit"], 1)
            self.assertEqual([g["GroupId"] for g in instance["SecurityGroups"]], [made["Group"]])
            node = api.nodes()[instance_id]
            labels = node["metadata"]["labels"]
            self.assertEqual(labels["eks.amazonaws.com/nodegroup"], "own")
            self.assertEqual(labels["eks.amazonaws.com/capacityType"], "ON_DEMAND")
            self.assertEqual(labels["eks.amazonaws.com/nodegroup-image"], image("arm64"))
            self.assertEqual(labels["app"], "e6data")
            self.assertEqual(node["status"]["capacity"]["pods"], "17")
            # The node controller takes its own taint away some time after the node is ready.
            wait("the group's taint alone is left", lambda i=instance_id: self.taints(i) == ["only"], 30)
        with self.subTest("it scales"):
            update = eks.update_nodegroup_config(
                clusterName=CLUSTER, nodegroupName="own", scalingConfig={"desiredSize": 3}
            )["update"]
            with self.assertRaisesRegex(ClientError, "ResourceInUseException"):
                eks.update_nodegroup_config(clusterName=CLUSTER, nodegroupName="own", scalingConfig={"desiredSize": 1})
            self.settle("own")
            self.assertEqual(len(self.instances("own")), 3)
            told = eks.describe_update(name=CLUSTER, nodegroupName="own", updateId=update["id"])["update"]
            self.assertEqual((told["status"], told["type"]), ("Successful", "ConfigUpdate"))
            eks.update_nodegroup_config(clusterName=CLUSTER, nodegroupName="own", scalingConfig={"desiredSize": 1})
            self.settle("own")
            wait("one node is left", lambda: len(self.instances("own")) == 1, 30)
        with self.subTest("labels change in place"):
            kept = set(self.instances("own"))
            eks.update_nodegroup_config(
                clusterName=CLUSTER,
                nodegroupName="own",
                labels={"addOrUpdateLabels": {"app": "other"}},
                taints={"removeTaints": [taint]},
            )
            self.settle("own")
            self.assertEqual(set(self.instances("own")), kept)
            node = api.nodes()[next(iter(kept))]
            self.assertEqual(node["metadata"]["labels"]["app"], "other")
            self.assertEqual(node["spec"].get("taints", []), [])
        with self.subTest("a new version replaces the instances"):
            eks.update_nodegroup_config(clusterName=CLUSTER, nodegroupName="own", scalingConfig={"desiredSize": 2})
            self.settle("own")
            kept = set(self.instances("own"))
            data["MetadataOptions"]["HttpPutResponseHopLimit"] = 2
            ec2.create_launch_template_version(LaunchTemplateName="group", LaunchTemplateData=data)
            eks.update_nodegroup_version(
                clusterName=CLUSTER, nodegroupName="own", launchTemplate={**own, "version": "2"}
            )
            self.settle("own")
            after = self.instances("own")
            self.assertEqual((len(after), set(after) & kept), (2, set()))
            self.assertEqual({i["MetadataOptions"]["HttpPutResponseHopLimit"] for i in after.values()}, {2})
            self.assertEqual({i["SubnetId"] for i in after.values()}, {made["Private0"], made["Private1"]})
        with self.subTest("a lost instance is replaced"):
            lost = next(iter(self.instances("own")))
            end(lost)
            wait("there is another", lambda: (now := self.instances("own")) and lost not in now, 30)
        last = set(self.instances("own"))
        self.delete("own")
        self.assertEqual(self.instances("own"), {})
        wait("their nodes are gone", lambda: not last & set(api.nodes()), 30)
        left = {t["LaunchTemplateId"] for t in ec2.describe_launch_templates()["LaunchTemplates"]}
        self.assertEqual(left, before)
        profiles = aws.client("iam").list_instance_profiles()["InstanceProfiles"]
        self.assertEqual([p["InstanceProfileName"] for p in profiles], ["node"])

    def selector(self, app: str) -> dict[str, Any]:
        return {"matchLabels": {"app": app}}

    def allowed(self, budget: str) -> int:
        status = (api.get(f"{BUDGETS}/{budget}") or {}).get("status", {})
        return status.get("disruptionsAllowed", 1) if status.get("currentHealthy") else 1

    def run_pod(self, name: str) -> None:
        """A deployment of one pod on the nodes whose pool has its name."""
        pod = {"nodeSelector": {"pool": name}, "containers": [{"name": "c", "image": "c"}]}
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        spec = {"replicas": 1, "selector": self.selector(name), "template": template}
        body = {"metadata": {"name": name}, "spec": spec}
        api.call("POST", GROUP, {"apiVersion": "apps/v1", "kind": "Deployment", **body})
        wait("the pod runs", lambda: (api.get(f"{GROUP}/{name}") or {}).get("status", {}).get("readyReplicas"), 30)

    def test_pods_are_drained_before_their_node_ends(self) -> None:
        data = {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}
        aws.client("ec2").create_launch_template(LaunchTemplateName="drained", LaunchTemplateData=data)
        data["MetadataOptions"]["HttpPutResponseHopLimit"] = 2
        aws.client("ec2").create_launch_template_version(LaunchTemplateName="drained", LaunchTemplateData=data)
        one = {"minSize": 1, "desiredSize": 1, "maxSize": 1}
        template = {"name": "drained", "version": "1"}
        self.create("drained", labels={"pool": "drained"}, scalingConfig=one, launchTemplate=template)
        self.settle("drained")
        self.run_pod("drained")
        with self.subTest("an update waits for budgets, longer than a delete"):
            body = {"metadata": {"name": "drained"}, "spec": {"minAvailable": 1, "selector": self.selector("drained")}}
            api.call("POST", BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **body})
            wait("the budget counts the pod", lambda: self.allowed("drained") == 0, 30)
            (old,) = self.instances("drained")
            aws.client("eks").update_nodegroup_version(
                clusterName=CLUSTER, nodegroupName="drained", launchTemplate={"name": "drained", "version": "2"}
            )
            wait("its node is cordoned", lambda: api.nodes()[old]["spec"].get("unschedulable"), 60)
            time.sleep(DRAIN_SECONDS + 1)
            self.assertEqual(self.describe("drained")["status"], "UPDATING")
            api.call("DELETE", f"{BUDGETS}/drained")
            self.settle("drained")
            self.assertNotIn(old, self.instances("drained"))
        self.delete("drained")
        pods = api.items("/api/v1/namespaces/default/pods?labelSelector=app%3Ddrained")
        self.assertEqual({p["spec"].get("nodeName") for p in pods}, {None}, "its successor waits for a node")
        api.call("DELETE", f"{GROUP}/drained")

    def test_nodes_that_do_not_join(self) -> None:
        cloudformation = aws.client("cloudformation")
        data = {"UserData": base64.b64encode(broken_part().encode()).decode()}
        template = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}
        nodes = group_resource("unjoined")
        nodes["Properties"]["LaunchTemplate"] = {"Id": ref("Broken"), "Version": att("Broken", "LatestVersionNumber")}
        body = json.dumps(compute_stack.template(Broken=template, Nodes=nodes))
        cloudformation.update_stack(StackName="compute", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        aws.client("ec2").create_launch_template(LaunchTemplateName="broken", LaunchTemplateData=data)
        one = {"minSize": 1, "desiredSize": 1, "maxSize": 1}
        self.create("broken", launchTemplate={"name": "broken"}, scalingConfig=one)
        group = self.settle("broken", "CREATE_FAILED")
        (issue,) = group["health"]["issues"]
        self.assertEqual(issue["code"], "NodeCreationFailure")
        self.assertEqual(issue["message"], "Instances failed to join the kubernetes cluster")
        self.assertEqual(issue["resourceIds"], list(self.instances("broken")))
        self.delete("broken")
        wait("the stack ends", lambda: not aws.status("compute").endswith("IN_PROGRESS"), 120)
        self.assertEqual(aws.status("compute"), "UPDATE_ROLLBACK_COMPLETE", aws.reasons("compute"))
        self.assertRegex(
            aws.reasons("compute"),
            r"Issue\(Code=NodeCreationFailure, Message=Instances failed to join the kubernetes cluster, Resource",
        )
        self.assertEqual(aws.client("eks").list_nodegroups(clusterName=CLUSTER)["nodegroups"], [])
        self.assertEqual(self.instances("unjoined"), {})

    def test_refusals(self) -> None:
        ec2 = aws.client("ec2")
        for name, data in (
            ("plain", {"UserData": base64.b64encode(b"#!/bin/bash").decode()}),
            ("profile", {"IamInstanceProfile": {"Name": "node"}}),
            ("type", {"InstanceType": "t4g.large"}),
        ):
            ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
        for more, text in (
            (
                {"amiType": "AL2023_x86_64_STANDARD"},
                r"\[t4g.medium\] is not a valid instance type for requested amiType",
            ),
            ({"instanceTypes": ["m99.huge"]}, "m99.huge"),
            ({"version": "1.20"}, "is not valid for kubernetes version 1.20"),
            ({"scalingConfig": {"minSize": 2, "desiredSize": 1, "maxSize": 3}}, "can't be less than min size 2"),
            ({"launchTemplate": {"name": "plain"}}, "User data was not in the MIME multipart format"),
            ({"launchTemplate": {"name": "profile"}}, "instance profile"),
            ({"launchTemplate": {"name": "type"}}, "not in both"),
            ({"launchTemplate": {"name": "plain", "version": "9"}}, "has no version 9"),
        ):
            with self.subTest(text), self.assertRaisesRegex(ClientError, text):
                self.create("refused", **more)

    def test_no_capacity_anywhere_but_in_one_zone(self) -> None:
        ec2, key = aws.client("ec2"), "rehearsal.e6data.com/no-capacity"
        ec2.create_tags(Resources=[made["Private0"]], Tags=[{"Key": key, "Value": "*"}])
        self.addCleanup(ec2.delete_tags, Resources=[made["Private0"]], Tags=[{"Key": key}])
        self.create("elsewhere")
        self.settle("elsewhere")
        self.assertEqual({i["SubnetId"] for i in self.instances("elsewhere").values()}, {made["Private1"]})
        self.delete("elsewhere")

    def test_a_stack_waits_for_its_nodes(self) -> None:
        nodes = group_resource("stack")
        aws.deploy("compute", compute_stack.template(Nodes=nodes))
        self.assertEqual(aws.status("compute"), "UPDATE_COMPLETE", aws.reasons("compute"))
        (instance_id,) = self.instances("stack")
        self.assertTrue(is_ready(api.nodes()[instance_id]))
        nodes["Properties"]["ScalingConfig"]["DesiredSize"] = 2
        aws.deploy("compute", compute_stack.template(Nodes=nodes))
        self.assertEqual(aws.status("compute"), "UPDATE_COMPLETE", aws.reasons("compute"))
        self.assertEqual(len(self.instances("stack")), 2)
        aws.deploy("compute", compute_stack.template())
        self.assertEqual(aws.status("compute"), "UPDATE_COMPLETE", aws.reasons("compute"))
        self.assertEqual(self.instances("stack"), {})


def group_resource(name: str) -> dict[str, Any]:
    """A node group of the stack's."""
    return {
        "Type": "AWS::EKS::Nodegroup",
        "Properties": {
            "ClusterName": ref("Cluster"),
            "NodegroupName": name,
            "NodeRole": att("NodeRole", "Arn"),
            "Subnets": [ref("Private0")],
            "AmiType": "AL2023_ARM_64_STANDARD",
            "InstanceTypes": ["t4g.medium"],
            "ScalingConfig": {"MinSize": 1, "DesiredSize": 1, "MaxSize": 2},
        },
    }


def broken_part() -> str:
    """A NodeConfig of the group's own with a label that no kubelet starts with."""
    kubelet = {"flags": ["--node-labels=node-role.kubernetes.io/x=1"]}
    kind = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig"}
    return multipart(json.dumps({**kind, "spec": {"kubelet": kubelet}}))
