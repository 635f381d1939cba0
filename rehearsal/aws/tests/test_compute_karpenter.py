"""The real Karpenter controller on the embedded AWS, from a pending pod to the end of its NodePool.

It runs with the account's rights here: what its role may do is tested elsewhere.
"""

import json
import os
import signal
import socket
import subprocess
import unittest
from pathlib import Path
from typing import Any

import compute_stack
import yaml
from cluster_api import ClusterAPI, is_ready
from compute_stack import wait
from embedded import LOCALKUBE, NO_LOCALKUBE, REGION, EmbeddedAWS

CONTROLLER = os.environ.get("REHEARSAL_KARPENTER", "")
CRDS = os.environ.get("KARPENTER_CRDS") or os.environ.get("REHEARSAL_KARPENTER_CRDS") or ""
NO_CONTROLLER = "REHEARSAL_KARPENTER or KARPENTER_CRDS is not set: there is no controller to run"

NODE_POOLS = "/apis/karpenter.sh/v1/nodepools"
NODE_CLAIMS = "/apis/karpenter.sh/v1/nodeclaims"
NODE_CLASSES = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"

# The environment that upstream's chart gives the controller, with its default settings.
_CHARTS = {
    "LOG_LEVEL": "debug",
    "SYSTEM_NAMESPACE": "kube-system",
    "KARPENTER_SERVICE": "karpenter",
    "ISOLATED_VPC": "false",
    "VM_MEMORY_OVERHEAD_PERCENT": "0.075",
    "FEATURE_GATES": "NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=false,NodeOverlay=false",
    "BATCH_IDLE_DURATION": "1s",
    "BATCH_MAX_DURATION": "2s",
    "DISABLE_LEADER_ELECTION": "true",
}

aws: EmbeddedAWS
api: ClusterAPI
controller: "Controller"


def setUpModule() -> None:
    if not LOCALKUBE:
        raise unittest.SkipTest(NO_LOCALKUBE)
    if not CONTROLLER or not CRDS:
        raise unittest.SkipTest(NO_CONTROLLER)
    global aws, api, controller
    aws = EmbeddedAWS()
    unittest.addModuleCleanup(aws.stop)
    status = aws.deploy("compute", compute_stack.template())
    assert status == "CREATE_COMPLETE", aws.reasons("compute")
    api = compute_stack.cluster_api(aws)
    for file in sorted(Path(CRDS).glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    wait("the custom resources are served", lambda: api.get(NODE_CLASSES) and api.get(NODE_POOLS))
    controller = Controller()
    unittest.addModuleCleanup(controller.stop)


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


class Controller:
    """Karpenter's controller as a process."""

    def __init__(self) -> None:
        self.log = aws.state / "karpenter.log"
        environment = {
            **_CHARTS,
            "HOME": str(aws.state),
            "TMPDIR": str(aws.state / "tmp"),
            "KUBECONFIG": str(api.directory / "kubeconfig"),
            "CLUSTER_NAME": compute_stack.CLUSTER,
            "INTERRUPTION_QUEUE": compute_stack.CLUSTER,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_CA_BUNDLE": str(aws.certificate),
            "SSL_CERT_FILE": str(aws.certificate),
            "AWS_EC2_METADATA_DISABLED": "true",
            "METRICS_PORT": free_port(),
            "HEALTH_PROBE_PORT": free_port(),
        }
        with open(self.log, "w") as out:
            self.process = subprocess.Popen([CONTROLLER], env=environment, stdout=out, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def errors(self, since: int = 0) -> list[str]:
        """Its errors."""
        return [json.dumps(line) for line in self.lines()[since:] if line.get("level") == "ERROR"]

    def aws_errors(self, since: int = 0) -> list[str]:
        """What an AWS service refused it; the other errors are Kubernetes' (a pool that goes before its claims)."""
        return [error for error in self.errors(since) if "operation error" in error or "aws-service-name" in error]


def node_class(name: str, **more: Any) -> dict:
    made = aws.outputs("compute")
    spec = {
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "role": "node",
        "subnetSelectorTerms": [{"id": made["Private0"]}, {"id": made["Private1"]}],
        "securityGroupSelectorTerms": [{"id": made["Group"]}],
        **more,
    }
    kind = {"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass"}
    return {**kind, "metadata": {"name": name}, "spec": spec}


def node_pool(name: str, families: list[str], capacity: str, **more: Any) -> dict:
    template = {
        "metadata": {"labels": {"engine": name}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name},
            "expireAfter": "Never",
            "requirements": [
                {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": families},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
            ],
            "taints": [{"key": "engine", "value": name, "effect": "NoSchedule"}],
        },
    }
    disruption = {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"}
    kind = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool"}
    return {**kind, "metadata": {"name": name}, "spec": {"template": template, "disruption": disruption, **more}}


def deployment(name: str, cpu: str) -> dict:
    pod = {
        "nodeSelector": {"karpenter.sh/nodepool": name},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "engine", "image": "engine", "resources": {"requests": {"cpu": cpu}}}],
    }
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def instances(pool: str, *states: str) -> list[dict]:
    filters = [
        {"Name": "tag:karpenter.sh/nodepool", "Values": [pool]},
        {"Name": "instance-state-name", "Values": list(states or ("pending", "running"))},
    ]
    found = aws.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def claims(pool: str) -> list[dict[str, str]]:
    """The conditions of each NodeClaim of a pool."""
    found = api.items(f"{NODE_CLAIMS}?labelSelector=karpenter.sh%2Fnodepool%3D{pool}")
    return [{c["type"]: c["status"] for c in claim.get("status", {}).get("conditions", [])} for claim in found]


class Karpenter(unittest.TestCase):
    def use(self, name: str, families: list[str], capacity: str = "on-demand") -> None:
        """A node class, a node pool and a pod that needs a node of it."""
        api.call("POST", NODE_CLASSES, node_class(name))
        api.call("POST", NODE_POOLS, node_pool(name, families, capacity))
        api.call("POST", DEPLOYMENTS, deployment(name, "1"))

    def running(self, name: str) -> dict:
        """The one instance of a pool, when its pod runs on its node."""
        instance = wait(f"an instance of {name}: {controller.errors()[-3:]}", lambda: instances(name, "running"))[0]
        wait(
            f"a Ready node for {instance['InstanceId']}",
            lambda: (n := api.nodes().get(instance["InstanceId"])) and is_ready(n),
        )
        wait(
            f"{name}'s pod runs",
            lambda: (api.get(f"{DEPLOYMENTS}/{name}") or {}).get("status", {}).get("readyReplicas"),
        )
        return instance

    def end(self, name: str) -> None:
        api.call("DELETE", f"{DEPLOYMENTS}/{name}")
        api.call("DELETE", f"{NODE_POOLS}/{name}")
        wait(f"no NodeClaim of {name} is left", lambda: not claims(name))
        self.assertEqual(instances(name), [])
        api.call("DELETE", f"{NODE_CLASSES}/{name}")
        wait(f"the node class {name} is gone", lambda: api.get(f"{NODE_CLASSES}/{name}") is None)

    def test_a_whole_life(self) -> None:
        before = len(controller.lines())
        self.use("arm", ["m7g", "c7g"])
        instance = self.running("arm")
        self.assertEqual(instance["InstanceType"], "c7g.large", "the cheapest that fits")
        self.assertEqual(instance["Architecture"], "arm64")
        conditions = wait("its NodeClaim is Ready", lambda: (c := claims("arm")[0]).get("Ready") == "True" and c, 30)
        for condition in ("Launched", "Registered", "Initialized"):
            self.assertEqual(conditions.get(condition), "True")
        self.assertNotIn("Drifted", conditions)
        node = api.nodes()[instance["InstanceId"]]
        self.assertEqual(node["metadata"]["labels"]["engine"], "arm")
        keys = {taint["key"] for taint in node["spec"].get("taints", [])}
        self.assertEqual(keys, {"engine"}, "Karpenter took its own taint off")
        self.end("arm")
        self.assertNotIn(instance["InstanceId"], api.nodes())
        self.assertEqual(aws.client("ec2").describe_launch_templates()["LaunchTemplates"], [])
        self.assertEqual(aws.client("ec2").describe_volumes()["Volumes"], [])
        self.assertEqual([error for error in controller.aws_errors(before) if "wrong" not in error], [])

    def test_another_type_when_there_is_no_capacity(self) -> None:
        ec2, made = aws.client("ec2"), aws.outputs("compute")
        subnets, key = [made["Private0"], made["Private1"]], "rehearsal.e6data.com/no-capacity"
        ec2.create_tags(Resources=subnets, Tags=[{"Key": key, "Value": "m7g.large"}])
        self.addCleanup(ec2.delete_tags, Resources=subnets, Tags=[{"Key": key}])
        self.use("scarce", ["m7g"])
        self.assertEqual(self.running("scarce")["InstanceType"], "m7g.xlarge")
        self.assertTrue("InsufficientInstanceCapacity" in controller.log.read_text(), "the fleet told why")
        self.end("scarce")

    def test_a_spot_node_is_replaced_before_it_is_reclaimed(self) -> None:
        self.use("spot", ["m7i", "c7i"], "spot")
        first = self.running("spot")
        self.assertEqual(first["InstanceLifecycle"], "spot")
        fault = {"Key": "rehearsal.e6data.com/fault", "Value": "SpotInterruption"}
        aws.client("ec2").create_tags(Resources=[first["InstanceId"]], Tags=[fault])

        def another() -> dict | None:
            living = {i["InstanceId"]: i for i in instances("spot", "running")}
            return None if first["InstanceId"] in living else next(iter(living.values()), None)

        second = wait("Karpenter replaces it", another)
        wait("a Ready node", lambda: (n := api.nodes().get(second["InstanceId"])) and is_ready(n))
        heard = "initiating delete from interruption message" in controller.log.read_text()
        self.assertTrue(heard, "by the queue, and not by the loss of the instance")
        self.end("spot")

    def test_a_class_with_a_role_that_is_not_there(self) -> None:
        api.call("POST", NODE_CLASSES, node_class("wrong", role="nobody"))

        def not_ready() -> str | None:
            found = (api.get(f"{NODE_CLASSES}/wrong") or {}).get("status", {}).get("conditions", [])
            return next((c["message"] for c in found if c["type"] == "InstanceProfileReady" and c["message"]), None)

        wait("its condition says so", not_ready, 60)
        api.call("DELETE", f"{NODE_CLASSES}/wrong")
