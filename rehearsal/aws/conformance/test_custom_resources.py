"""The contract between CloudFormation and a custom resource's function."""

import ssl
import urllib.error
import urllib.request

import provider
from account import Conformance, aws, client, parts
from claims import claim
from provider import custom, events

_GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
_REQUEST = f"{_GUIDE}crpg-ref-requests.html"
_CREATE = f"{_GUIDE}crpg-ref-requesttypes-create.html"
_UPDATE = f"{_GUIDE}crpg-ref-requesttypes-update.html"
_DELETE = f"{_GUIDE}crpg-ref-requesttypes-delete.html"
_RESPONSE = f"{_GUIDE}crpg-ref-responses.html"
_TYPE = f"{_GUIDE}aws-resource-cfn-customresource.html"
_HELM = "Custom::HelmRelease"
_PLAN = "Custom::NetworkPlan"
_FIXED = "Custom::FixedAnswers"
_PREFLIGHT = "Custom::Preflight"
_OUTPUTS = "Custom::WorkspaceOutputs"
# Those of existing clusters.
_FACTS = "Custom::ClusterFacts"
_CHECK = "Custom::ClusterCheck"
_PROVIDER = "Custom::OidcProvider"
_ACCESS = "Custom::AWSAuth"


class CustomResources(Conformance):
    area = "Custom resources"

    @claim(
        "A Create request has the type, the ids of stack, request and resource, the properties and a presigned URL, "
        "and no physical id.",
        _CREATE,
        _HELM,
        _PLAN,
        _PREFLIGHT,
        _OUTPUTS,
        _FACTS,
        _CHECK,
        _PROVIDER,
        _ACCESS,
        "lambda:InvokeFunction",
    )
    def test_create_request(self) -> None:
        stack = self.stack({"Thing": custom(_HELM, Number=3, Flag=True)})
        self.holds(stack)
        event = events(stack)[0]
        wanted = {"ResponseURL", "StackId", "RequestId", "LogicalResourceId", "ResourceProperties"}
        self.assertLessEqual(wanted, set(event))
        self.assertNotIn("PhysicalResourceId", event)
        self.assertEqual((event["RequestType"], event["ResourceType"]), ("Create", _HELM))
        self.assertEqual(event["LogicalResourceId"], "Thing")

    @claim(
        "Values of properties that are numbers or booleans reach the function as text.",
        "https://repost.aws/knowledge-center/best-practices-custom-cf-lambda",
        _HELM,
    )
    def test_scalars_are_text(self) -> None:
        stack = self.stack({"Thing": custom(Number=3, Flag=True, Nested={"List": [1, False]})})
        given = events(stack)[0]["ResourceProperties"]
        self.assertEqual((given["Number"], given["Flag"], given["Nested"]), ("3", "true", {"List": ["1", "false"]}))

    @claim("The physical id of the answer is the resource's Ref.", _RESPONSE, _PLAN)
    def test_ref_is_the_physical_id(self) -> None:
        stack = self.stack(
            {"Thing": custom(OnCreate={"PhysicalResourceId": "mine"})}, Outputs=parts.outputs(Id=parts.ref("Thing"))
        )
        self.holds(stack)
        self.assertEqual(aws().outputs(stack), {"Id": "mine"})

    @claim("Fn::GetAtt gives the values of Data by their names.", _RESPONSE, _PLAN, _OUTPUTS)
    def test_data_by_name(self) -> None:
        stack = self.stack(
            {"Thing": custom(OnCreate={"Data": {"Text": "a", "Sub.Name": "b"}})},
            Outputs=parts.outputs(A=parts.att("Thing", "Text"), B=parts.att("Thing", "Sub.Name")),
        )
        self.holds(stack)
        self.assertEqual(aws().outputs(stack), {"A": "a", "B": "b"})

    @claim("An attribute that the answer's Data lacks fails who asks for it.", _TYPE, _PLAN)
    def test_missing_attribute(self) -> None:
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": parts.att("Thing", "Nothing")}}
        stack = self.stack({"Thing": custom(), "Group": group})
        self.failed(stack, "(?i)attribute|Nothing")

    @claim("NoEcho in the answer masks the values with asterisks in outputs.", _RESPONSE, _OUTPUTS)
    def test_no_echo(self) -> None:
        stack = self.stack(
            {"Thing": custom(OnCreate={"NoEcho": True, "Data": {"Secret": "abc"}})},
            Outputs=parts.outputs(Secret=parts.att("Thing", "Secret")),
        )
        self.holds(stack)
        self.assertEqual(aws().outputs(stack), {"Secret": "*****"})

    @claim("The answer is not longer than 4,096 bytes.", _RESPONSE, _HELM, _OUTPUTS)
    def test_long_answer(self) -> None:
        stack = self.stack({"Thing": custom(OnCreate={"Data": {"Long": "x" * 4096}})})
        self.failed(stack, "Response object is too long")

    @claim("An answer of just under 4,096 bytes is taken.", _RESPONSE, _HELM)
    def test_answer_that_fits(self) -> None:
        self.holds(self.stack({"Thing": custom(OnCreate={"Data": {"Long": "x" * 3600}})}))

    @claim("The physical id is a non-empty text of up to 1 KB.", _RESPONSE, _HELM, _FIXED)
    def test_physical_id(self) -> None:
        for physical_id in ("", "x" * 1025):
            with self.subTest(len(physical_id)):
                stack = self.stack({"Thing": custom(OnCreate={"PhysicalResourceId": physical_id})})
                self.failed(stack, "Invalid PhysicalResourceId")

    @claim("The status is SUCCESS or FAILED.", _RESPONSE, _HELM)
    def test_status(self) -> None:
        stack = self.stack({"Thing": custom(OnCreate={"Status": "DONE"})})
        self.failed(stack, "Invalid Status")

    @claim("The reason of a FAILED answer is the event's reason.", _RESPONSE, _HELM)
    def test_reason(self) -> None:
        stack = self.stack({"Thing": custom(OnCreate={"Status": "FAILED", "Reason": "because of me"})})
        self.failed(stack, "because of me")

    @claim("StackId, RequestId and LogicalResourceId are copied verbatim into the answer.", _RESPONSE, _HELM)
    def test_echoed_ids(self) -> None:
        for member in ("StackId", "RequestId", "LogicalResourceId"):
            with self.subTest(member):
                stack = self.stack({"Thing": custom(OnCreate={member: "another"})})
                self.failed(stack, f"Invalid {member}")

    @claim("What is answered after the first answer changes nothing.", f"{_GUIDE}template-custom-resources.html", _HELM)
    def test_second_answer(self) -> None:
        later = {"PhysicalResourceId": "late", "Data": {"Which": "second"}}
        stack = self.stack(
            {"Thing": custom(OnCreate={"PhysicalResourceId": "early", "Data": {"Which": "first"}, "Twice": later})},
            Outputs=parts.outputs(Id=parts.ref("Thing"), Which=parts.att("Thing", "Which")),
        )
        self.holds(stack)
        self.assertEqual(aws().outputs(stack), {"Id": "early", "Which": "first"})

    @claim("An answer after the operation's end changes nothing.", f"{_GUIDE}template-custom-resources.html", _HELM)
    def test_answer_after_the_end(self) -> None:
        stack = self.stack({"Thing": custom()})
        self.holds(stack)
        trust = ssl.create_default_context(cafile=str(aws().certificate))
        url = events(stack)[0]["ResponseURL"]
        request = urllib.request.Request(url, b'{"Status": "FAILED", "Reason": "late"}', method="PUT")
        try:
            urllib.request.urlopen(request, context=trust).close()
        except urllib.error.HTTPError as refused:
            refused.close()
        self.holds(stack)

    @claim(
        "Without an answer within ServiceTimeout seconds the request is a failure.",
        f"{_GUIDE}aws-resource-cloudformation-customresource.html",
        _HELM,
    )
    def test_service_timeout(self) -> None:
        stack = self.stack({"Thing": custom(OnCreate="nothing", ServiceTimeout=1)})
        self.failed(stack, "did not receive a response from your Custom Resource")

    @claim("ServiceTimeout is 1 to 3,600 seconds.", f"{_GUIDE}aws-resource-cloudformation-customresource.html", _HELM)
    def test_service_timeout_range(self) -> None:
        for seconds in (0, 3601):
            with self.subTest(seconds):
                self.refuses({"Thing": custom(ServiceTimeout=seconds)}, "ServiceTimeout")

    @claim("ServiceToken is required.", _REQUEST, _HELM)
    def test_service_token(self) -> None:
        self.refuses({"Thing": {"Type": "Custom::Thing", "Properties": {}}}, "ServiceToken")

    @claim("The name of a type of custom resources is up to 60 characters of A-Z a-z 0-9 _ @ -.", _REQUEST, _HELM)
    def test_type_name(self) -> None:
        for name in ("Custom::" + "x" * 61, "Custom::with.dot"):
            with self.subTest(name), self.refused("ValidationError"):
                self.stack({"Thing": custom(name)})

    @claim("An Update request has the properties of before in OldResourceProperties.", _UPDATE, _HELM)
    def test_update_request(self) -> None:
        stack = self.stack({"Thing": custom(Value="a")})
        self.assertEqual(self.update(stack, {"Thing": custom(Value="b")}), "UPDATE_COMPLETE")
        event = events(stack)[-1]
        self.assertEqual((event["RequestType"], event["PhysicalResourceId"]), ("Update", "made"))
        self.assertEqual(event["ResourceProperties"]["Value"], "b")
        self.assertEqual(event["OldResourceProperties"]["Value"], "a")

    @claim("A resource whose properties did not change gets no Update.", _UPDATE, _HELM)
    def test_no_update_without_a_change(self) -> None:
        stack = self.stack({"Thing": custom(Value="a"), "Other": custom(Value="a")})
        self.assertEqual(
            self.update(stack, {"Thing": custom(Value="a"), "Other": custom(Value="b")}), "UPDATE_COMPLETE"
        )
        updated = [e["LogicalResourceId"] for e in events(stack) if e["RequestType"] == "Update"]
        self.assertEqual(updated, ["Other"])

    @claim("Another physical id in the answer to an Update makes CloudFormation delete the old one.", _UPDATE, _HELM)
    def test_new_physical_id(self) -> None:
        stack = self.stack({"Thing": custom(OnCreate={"PhysicalResourceId": "one"})})
        changed = {"Thing": custom(OnUpdate={"PhysicalResourceId": "two"})}
        self.assertEqual(self.update(stack, changed), "UPDATE_COMPLETE")
        seen = [(e["RequestType"], e.get("PhysicalResourceId")) for e in events(stack)]
        self.assertEqual(seen, [("Create", None), ("Update", "one"), ("Delete", "one")])

    @claim("The Delete of the old one comes in the clean-up, after all other updates.", _TYPE, _HELM)
    def test_delete_in_the_clean_up(self) -> None:
        first = {"A": custom(OnCreate={"PhysicalResourceId": "one"}), "B": {**custom(Value="a"), "DependsOn": "A"}}
        stack = self.stack(first)
        second = {"A": custom(OnUpdate={"PhysicalResourceId": "two"}), "B": {**custom(Value="b"), "DependsOn": "A"}}
        self.assertEqual(self.update(stack, second), "UPDATE_COMPLETE")
        seen = [(e["RequestType"], e["LogicalResourceId"]) for e in events(stack)][2:]
        self.assertEqual(seen, [("Update", "A"), ("Update", "B"), ("Delete", "A")])

    @claim("A failed Update of one resource sends the others' old properties as an Update again.", _UPDATE, _HELM)
    def test_update_rollback(self) -> None:
        stack = self.stack({"A": custom(Value="a"), "B": {**custom(), "DependsOn": "A"}})
        failing = {
            "A": custom(Value="b"),
            "B": {**custom(OnUpdate={"Status": "FAILED", "Reason": "no"}), "DependsOn": "A"},
        }
        self.assertEqual(self.update(stack, failing), "UPDATE_ROLLBACK_COMPLETE")
        sent = [
            (e["LogicalResourceId"], e["ResourceProperties"].get("Value"))
            for e in events(stack)
            if e["RequestType"] == "Update"
        ]
        self.assertEqual([one for one in sent if one[0] == "A"], [("A", "b"), ("A", "a")])

    @claim("The type of a custom resource cannot change in an update.", _UPDATE, _HELM)
    def test_changed_type(self) -> None:
        stack = self.stack({"Thing": custom("Custom::One", Value="a")})
        with self.refused("ValidationError", "Update of resource type is not permitted"):
            self.update(stack, {"Thing": custom("Custom::Two", Value="a")})

    @claim("The service token of a custom resource cannot change in an update.", _TYPE, _HELM)
    def test_changed_token(self) -> None:
        stack = self.stack({"Thing": custom(Value="a")})
        changed = custom(Value="b")
        changed["Properties"]["ServiceToken"] = provider.arn() + "x"
        self.assertEqual(self.update(stack, {"Thing": changed}), "UPDATE_ROLLBACK_COMPLETE")

    @claim("A Delete request has the physical id and the last properties.", _DELETE, _HELM)
    def test_delete_request(self) -> None:
        stack = self.stack({"Thing": custom(Value="a", OnCreate={"PhysicalResourceId": "mine"})})
        self.assertEqual(aws().delete(stack), "DELETE_COMPLETE")
        event = events(stack)[-1]
        self.assertEqual((event["RequestType"], event["PhysicalResourceId"]), ("Delete", "mine"))
        self.assertEqual(event["ResourceProperties"]["Value"], "a")

    @claim("A stack is deleted only if the function answers the Delete with SUCCESS.", _DELETE, _HELM)
    def test_failed_delete(self) -> None:
        stack = self.stack({"Thing": custom(OnDelete={"Status": "FAILED", "Reason": "not now"})})
        self.assertEqual(aws().delete(stack), "DELETE_FAILED")
        self.assertIn("not now", aws().reasons(stack))

    @claim(
        "What a failed delete left can be retained by a second DeleteStack.",
        f"{_GUIDE}cfn-console-delete-stack.html",
        _HELM,
    )
    def test_retained_resource(self) -> None:
        stack = self.stack({"Thing": custom(OnDelete={"Status": "FAILED", "Reason": "not now"})})
        aws().delete(stack)
        client("cloudformation").delete_stack(StackName=stack, RetainResources=["Thing"])
        self.assertIn(aws().wait(stack), ("", "DELETE_COMPLETE"))

    @claim("A Create that failed gets a Delete in the rollback.", _DELETE, _HELM)
    def test_delete_after_a_failed_create(self) -> None:
        failing = {"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "half"}
        stack = self.stack({"Thing": custom(OnCreate=failing)})
        self.failed(stack, "no")
        seen = [(e["RequestType"], e.get("PhysicalResourceId")) for e in events(stack)]
        self.assertEqual(seen, [("Create", None), ("Delete", "half")])

    @claim(
        "Resources that depend on each other are deleted in the opposite order.",
        f"{_GUIDE}aws-attribute-dependson.html",
        _HELM,
    )
    def test_order(self) -> None:
        stack = self.stack({"B": custom(), "A": {**custom(), "DependsOn": "B"}})
        aws().delete(stack)
        seen = [(e["RequestType"], e["LogicalResourceId"]) for e in events(stack)]
        self.assertEqual(seen, [("Create", "B"), ("Create", "A"), ("Delete", "A"), ("Delete", "B")])
