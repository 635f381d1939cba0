"""Templates read by libyaml are what MiniStack's own loader reads, without an embedded AWS."""

import sys
import unittest
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ministack.services.cloudformation import engine

from plugin import templates

ROOT = Path(__file__).resolve().parents[3]
SHORT = """
Resources:
  One:
    Type: AWS::S3::Bucket
    Condition: Wanted
    Properties:
      Name: !Sub "${AWS::StackName}-x"
      Arn: !GetAtt Other.Arn
      Nested: !GetAtt [Other, Outputs.X]
      Either: !If [Wanted, !Ref Other, !Join ["-", [a, !Select [0, !Split [",", "a,b"]]]]]
      Date: 2012-10-17
      Number: 012
      Truth: yes
      Text: "yes"
      Folded: >-
        two
        lines
      Empty:
"""


class Loader(unittest.TestCase):
    def test_it_reads_the_same(self) -> None:
        own = type("Own", (yaml.SafeLoader,), {"yaml_constructors": templates._Loader.yaml_constructors})
        files = [ROOT / "quickstart.yaml", *sorted((ROOT / "templates").glob("*.yaml"))]
        self.assertGreater(len(files), 2)
        for text in [SHORT, *(file.read_text(encoding="utf-8") for file in files)]:
            self.assertEqual(yaml.load(text, Loader=templates._Loader), yaml.load(text, Loader=own))

    def test_a_fault_is_told_as_before(self) -> None:
        with self.assertRaises(yaml.YAMLError):
            yaml.load("a: [1", Loader=templates._Loader)

    def test_it_is_the_one_that_reads_templates(self) -> None:
        before = engine.CfnLoader
        self.addCleanup(setattr, engine, "CfnLoader", before)
        engine.CfnLoader = templates._Loader
        self.assertEqual(engine._parse_template("Resources: {A: !Ref B}"), {"Resources": {"A": {"Ref": "B"}}})
        self.assertTrue(issubclass(templates._Loader, yaml.CSafeLoader), "PyYAML has no libyaml here")
