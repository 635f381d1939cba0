"""Custom resources: the protocol's failures and the rollback."""

import unittest

import parts
from bootstrap import BOOTSTRAP
from embedded import EmbeddedAWS
from parts import att, ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()
    aws.publish("code", "function.zip", {"bootstrap": BOOTSTRAP})


def tearDownModule() -> None:
    aws.stop()


def template(**properties: object) -> dict:
    return {
        "Resources": {
            "Role": parts.role(actions=["logs:CreateLogStream", "logs:PutLogEvents"]),
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
            "Function": parts.function(LoggingConfig={"LogGroup": ref("Logs")}),
            "Thing": parts.custom(**properties),
        },
        "Outputs": parts.outputs(Thing=ref("Thing"), Echo=att("Thing", "Echo"), Logs=ref("Logs")),
    }


def log_lines(group: str) -> list[str]:
    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    return [e["message"].strip() for e in events if not e["message"].startswith(("START", "END", "REPORT"))]


class CustomResources(unittest.TestCase):
    def test_answers_values_and_logs_reach_the_stack(self) -> None:
        self.assertEqual(aws.deploy("plain", template(Echo=5, Id="one")), "CREATE_COMPLETE", aws.reasons("plain"))
        made = aws.outputs("plain")
        self.assertEqual((made["Thing"], made["Echo"]), ("one", "5"))
        self.assertEqual(log_lines(made["Logs"]), ["Create Thing -"])

        self.assertEqual(aws.deploy("plain", template(Echo="now", Id="one")), "UPDATE_COMPLETE", aws.reasons("plain"))
        self.assertEqual(aws.outputs("plain")["Echo"], "now")
        self.assertEqual(log_lines(made["Logs"]), ["Create Thing -", "Update Thing one"])
        self.assertEqual(aws.delete("plain"), "DELETE_COMPLETE")
        groups = aws.client("logs").describe_log_groups()["logGroups"]
        self.assertEqual(groups, [], "a function that may not make log groups leaves none behind")

    def test_failed_create_gets_its_delete_in_the_rollback(self) -> None:
        cases = {
            "with the function's id": ("fail", "Delete Thing made-by-the-function"),
            "with an id that CloudFormation made up": ("fail-without-id", "Delete Thing unanswered-Thing-"),
            "after the function died": ("die", "Delete Thing unanswered-Thing-"),
        }
        for name, (behaviour, wanted) in cases.items():
            with self.subTest(name):
                changed = template(Behaviour=behaviour)
                changed["Resources"]["Logs"]["DeletionPolicy"] = "Retain"
                changed["Resources"]["Logs"]["Properties"]["LogGroupName"] = f"kept-{behaviour}"
                self.assertEqual(aws.deploy("unanswered", changed), "ROLLBACK_COMPLETE", aws.reasons("unanswered"))
                events = [(who, status) for who, status, _ in aws.events("unanswered") if who == "Thing"]
                self.assertEqual(
                    [status for _, status in events],
                    ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"],
                )
                self.assertIn(wanted, "\n".join(log_lines(f"kept-{behaviour}")))
                aws.delete("unanswered")

    def test_dead_function_fails_at_once_and_says_so(self) -> None:
        self.assertEqual(aws.deploy("dead", template(Behaviour="die")), "ROLLBACK_COMPLETE")
        self.assertIn("the function ended without an answer", aws.reasons("dead"))

    def test_answer_that_cloudformation_does_not_take_fails(self) -> None:
        cases = {
            "long": "Response object is too long",
            "no-id": "Invalid PhysicalResourceId",
            "other-request": "Invalid RequestId 'another'",
        }
        for behaviour, wanted in cases.items():
            with self.subTest(behaviour):
                stack = f"answer-{behaviour}"
                self.assertIn(
                    aws.deploy(stack, template(Behaviour=behaviour)), ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
                )
                self.assertIn(wanted, aws.reasons(stack))

    def test_service_timeout_runs_from_the_invocation_on(self) -> None:
        self.assertEqual(aws.deploy("late", template(Behaviour="sleep", ServiceTimeout=1)), "ROLLBACK_COMPLETE")
        self.assertIn("CloudFormation did not receive a response from your Custom Resource", aws.reasons("late"))

    def test_failed_delete_in_a_rollback_leaves_rollback_failed(self) -> None:
        self.assertEqual(aws.deploy("stuck", template(Behaviour="fail-delete")), "ROLLBACK_FAILED")
        self.assertIn("failed to delete: [Thing]", aws.reasons("stuck"))
        # Its function is gone by now, so the next try fails too: the stack still knows the resource.
        self.assertEqual(aws.delete("stuck"), "DELETE_FAILED")

    def test_failed_update_is_sent_back(self) -> None:
        self.assertEqual(aws.deploy("back", template(Echo="first")), "CREATE_COMPLETE", aws.reasons("back"))
        group = aws.outputs("back")["Logs"]
        self.assertEqual(aws.deploy("back", template(Echo="second", Behaviour="fail")), "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(aws.outputs("back")["Echo"], "first")
        sent = [line for line in log_lines(group) if line.startswith("Update")]
        self.assertEqual(sent, ["Update Thing made-by-the-function"] * 2)

    def test_new_physical_id_is_a_replacement(self) -> None:
        self.assertEqual(aws.deploy("moved", template(Id="a")), "CREATE_COMPLETE", aws.reasons("moved"))
        group = aws.outputs("moved")["Logs"]
        # The tests' function answers an Update with the id it was given; a new role of the id needs a new resource.
        changed = template(Id="b")
        changed["Resources"]["Other"] = changed["Resources"].pop("Thing")
        changed["Outputs"] = parts.outputs(Other=ref("Other"))
        self.assertEqual(aws.deploy("moved", changed), "UPDATE_COMPLETE", aws.reasons("moved"))
        self.assertEqual(log_lines(group), ["Create Thing -", "Create Other -", "Delete Thing a"])
