"""What a node reads from its user data, without an embedded AWS."""

import base64
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plugin.compute.user_data import NodeConfig, NoNode, read

CONFIG = """apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: demo
    apiServerEndpoint: https://127.0.0.1:1
    certificateAuthority: Q0E=
    cidr: 172.20.0.0/16
"""

KUBELET = """apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config:
      maxPods: 58
      registerWithTaints:
        - {key: a, value: b, effect: NoSchedule}
        - {key: karpenter.sh/unregistered, effect: NoExecute}
    flags:
      - --node-labels=x=1,node.kubernetes.io/own=2
      - "--register-with-taints=c=:NoExecute,d:PreferNoSchedule"
"""


def mime(*parts: tuple[str, str]) -> str:
    body = "".join(f"--//\nContent-Type: {kind}\n\n{content}\n" for kind, content in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="//"\n\n{body}--//--\n'


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


NODE, SHELL = "application/node.eks.aws", 'text/x-shellscript; charset="us-ascii"'


class UserData(unittest.TestCase):
    def test_parts_are_merged(self) -> None:
        config = read(encoded(mime((SHELL, "#!/bin/bash\necho x"), (NODE, KUBELET), (NODE, CONFIG))))
        taints = [
            {"key": "a", "value": "b", "effect": "NoSchedule"},
            {"key": "karpenter.sh/unregistered", "value": "", "effect": "NoExecute"},
            {"key": "c", "value": "", "effect": "NoExecute"},
            {"key": "d", "value": "", "effect": "PreferNoSchedule"},
        ]
        labels = {"x": "1", "node.kubernetes.io/own": "2"}
        self.assertEqual(config, NodeConfig("demo", "https://127.0.0.1:1", "Q0E=", 58, labels, taints))

    def test_plain_yaml_is_a_node_config_too(self) -> None:
        config = read(encoded("---\n" + CONFIG))
        self.assertEqual((config.cluster, config.max_pods, config.labels), ("demo", None, {}))

    def test_a_later_part_wins(self) -> None:
        other = CONFIG.replace("demo", "other")
        self.assertEqual(read(encoded(mime((NODE, CONFIG), (NODE, other)))).cluster, "other")

    def test_what_never_becomes_a_node(self) -> None:
        bad_label = KUBELET.replace("x=1", "node-role.kubernetes.io/engine=1")
        cases = {
            "no user data": ("", "no NodeConfig"),
            "a shell script": ("#!/bin/bash\n/etc/eks/bootstrap.sh demo", "no NodeConfig"),
            "a script in MIME": (mime((SHELL, "echo")), "no NodeConfig"),
            "broken YAML": (mime((NODE, "a: [")), "cannot read"),
            "another kind": (mime((NODE, "apiVersion: v1\nkind: Pod")), "no NodeConfig"),
            "another version": (mime((NODE, CONFIG.replace("v1alpha1", "v9"))), "does not know"),
            "no cluster": (mime((NODE, KUBELET)), "Name is missing"),
            "no CIDR": (mime((NODE, CONFIG.replace("    cidr: 172.20.0.0/16\n", ""))), "CIDR is missing"),
            "a label of Kubernetes": (mime((NODE, CONFIG), (NODE, bad_label)), "node-role.kubernetes.io/engine"),
        }
        for name, (text, why) in cases.items():
            with self.subTest(name), self.assertRaisesRegex(NoNode, why):
                read(encoded(text))
        with self.assertRaisesRegex(NoNode, "base64"):
            read("not base64!")
