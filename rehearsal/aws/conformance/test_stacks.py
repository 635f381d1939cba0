"""Templates, parameters and the life of a stack."""

import json

from account import ACCOUNT, REGION, Conformance, aws, client, fresh, parts
from claims import claim
from provider import custom

_GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
_API = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_"
_LIMITS = f"{_GUIDE}cloudformation-limits.html"
_PARAMETERS = f"{_GUIDE}parameters-section-structure.html"
_STACK = "AWS::CloudFormation::Stack"
_GROUP = "AWS::Logs::LogGroup"
_FAILING = {"Status": "FAILED", "Reason": "told to fail"}


def group(name: object = None, **more: object) -> dict:
    """A log group: the cheapest resource."""
    properties = {} if name is None else {"LogGroupName": name}
    return {"Type": _GROUP, "Properties": properties, **more}


def groups() -> set[str]:
    return {g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]}


class Limits(Conformance):
    area = "Templates and parameters"

    def _refused(self, template: dict, text: str, code: str = "ValidationError", **more: object) -> None:
        with self.refused(code, text):
            aws().deploy(fresh("refused"), template, **more)

    @claim("A template's body is at most 51,200 bytes.", _LIMITS, _STACK)
    def test_template_body(self) -> None:
        self._refused({"Resources": {"G": group()}, "Metadata": {"filling": "x" * 51200}}, "51200")

    @claim("A template from S3 is at most 1 MB.", _LIMITS, _STACK, "s3:GetObject")
    def test_template_url(self) -> None:
        s3, bucket = client("s3"), fresh("templates")
        s3.create_bucket(Bucket=bucket)
        url = f"https://s3.{REGION}.amazonaws.com/{bucket}/t.json"
        for size, refused in ((900_000, False), (1_100_000, True)):
            with self.subTest(size):
                body = {"Resources": {"G": group()}, "Metadata": {"filling": "x" * size}}
                s3.put_object(Bucket=bucket, Key="t.json", Body=json.dumps(body).encode())
                if refused:
                    with self.refused("ValidationError"):
                        client("cloudformation").create_stack(StackName=fresh("big"), TemplateURL=url)
                else:
                    name = fresh("big")
                    client("cloudformation").create_stack(StackName=name, TemplateURL=url)
                    self.assertEqual(aws().wait(name), "CREATE_COMPLETE")

    @claim(
        "A resource without a name gets one of its stack's name, its logical id and a suffix.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",
        _GROUP,
    )
    def test_physical_name(self) -> None:
        name = fresh("names")
        aws().deploy(name, {"Resources": {"G": group()}})
        self.assertEqual(aws().wait(name), "CREATE_COMPLETE")
        self.assertEqual([g.rsplit("-", 1)[0] for g in groups() if g.startswith(f"{name}-")], [f"{name}-G"])
        client("cloudformation").update_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"G": {**group(), "Properties": {"RetentionInDays": 7}}}}),
        )
        self.assertEqual(aws().wait(name), "UPDATE_COMPLETE")
        self.assertEqual(len([g for g in groups() if g.startswith(f"{name}-G-")]), 1)

    @claim("A template has at most 500 resources.", _LIMITS, _STACK)
    def test_resources(self) -> None:
        self._refused({"Resources": {f"G{n}": {"Type": _GROUP} for n in range(501)}}, "500")

    @claim("A template has at most 200 parameters.", _LIMITS, _STACK)
    def test_parameters(self) -> None:
        many = {f"P{n}": {"Type": "String", "Default": ""} for n in range(201)}
        self._refused({"Parameters": many, "Resources": {"G": group()}}, "200")

    @claim("A parameter's value is at most 4,096 bytes.", _LIMITS, _STACK)
    def test_parameter_value(self) -> None:
        template = {"Parameters": {"P": {"Type": "String"}}, "Resources": {"G": group()}}
        self._refused(template, "4096", Parameters=[{"ParameterKey": "P", "ParameterValue": "x" * 4097}])

    @claim("A template has at most 200 outputs.", _LIMITS, _STACK)
    def test_outputs(self) -> None:
        self._refused(
            {"Resources": {"G": group()}, "Outputs": parts.outputs(**{f"O{n}": "x" for n in range(201)})}, "200"
        )

    @claim("A logical id is alphanumeric.", f"{_GUIDE}resources-section-structure.html", _STACK)
    def test_logical_id(self) -> None:
        self._refused({"Resources": {"with-hyphen": group()}}, "alphanumeric")

    @claim(
        "A stack's name begins with a letter, and has letters, digits and hyphens, at most 128.",
        f"{_API}CreateStack.html",
        _STACK,
    )
    def test_stack_name(self) -> None:
        for name in ("1st", "under_score", "x" * 129):
            with self.subTest(name), self.refused("ValidationError"):
                aws().deploy(name, {"Resources": {"G": group()}})

    @claim("A name that a stack has is refused: AlreadyExists.", f"{_API}CreateStack.html", _STACK)
    def test_same_name(self) -> None:
        name = self.stack({"G": group()})
        with self.refused("AlreadyExistsException"):
            client("cloudformation").create_stack(
                StackName=name, TemplateBody='{"Resources":{"G":{"Type":"AWS::Logs::LogGroup"}}}'
            )

    @claim("AllowedPattern is matched against the whole value, and each item of a list.", _PARAMETERS, _STACK)
    def test_patterns(self) -> None:
        for kind, value in (("String", "abc1"), ("CommaDelimitedList", "abc,a1")):
            with self.subTest(kind):
                template = {
                    "Parameters": {"P": {"Type": kind, "AllowedPattern": "[a-z]+"}},
                    "Resources": {"G": group()},
                }
                self._refused(template, "P", Parameters=[{"ParameterKey": "P", "ParameterValue": value}])

    @claim("ConstraintDescription is what the user reads when a constraint is violated.", _PARAMETERS, _STACK)
    def test_constraint_description(self) -> None:
        for constraint in ({"AllowedPattern": "[a-z]+"}, {"AllowedValues": ["abc"]}, {"MaxLength": 2}):
            with self.subTest(constraint):
                parameter = {"Type": "String", "ConstraintDescription": "small letters only", **constraint}
                template = {"Parameters": {"P": parameter}, "Resources": {"G": group()}}
                answers = [{"ParameterKey": "P", "ParameterValue": "ABC"}]
                self._refused(template, "small letters only", Parameters=answers)

    @claim("A value that is not among the AllowedValues is refused.", _PARAMETERS, _STACK)
    def test_allowed_values(self) -> None:
        template = {"Parameters": {"P": {"Type": "String", "AllowedValues": ["a"]}}, "Resources": {"G": group()}}
        self._refused(template, "P", Parameters=[{"ParameterKey": "P", "ParameterValue": "b"}])

    @claim("A Number is a number between MinValue and MaxValue.", _PARAMETERS, _STACK)
    def test_numbers(self) -> None:
        for value in ("1", "11", "x"):
            with self.subTest(value):
                number = {"Type": "Number", "MinValue": 2, "MaxValue": 10}
                template = {"Parameters": {"P": number}, "Resources": {"G": group()}}
                self._refused(template, "P", Parameters=[{"ParameterKey": "P", "ParameterValue": value}])

    @claim("A parameter without a default needs a value.", _PARAMETERS, _STACK)
    def test_missing_value(self) -> None:
        template = {"Parameters": {"P": {"Type": "String"}}, "Resources": {"G": group()}}
        self._refused(template, r"Parameters: \[P\] must have values")

    @claim("A value for a parameter that the template has not is refused.", f"{_API}CreateStack.html", _STACK)
    def test_unknown_parameter(self) -> None:
        self._refused(
            {"Resources": {"G": group()}},
            r"Parameters: \[Q\] do not exist in the template",
            Parameters=[{"ParameterKey": "Q", "ParameterValue": ""}],
        )

    @claim("A NoEcho parameter is shown as asterisks.", _PARAMETERS, _STACK)
    def test_no_echo(self) -> None:
        name = fresh("stack")
        template = {"Parameters": {"P": {"Type": "String", "NoEcho": True}}, "Resources": {"G": group()}}
        aws().deploy(name, template, Parameters=[{"ParameterKey": "P", "ParameterValue": "secret"}])
        shown = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
        self.assertEqual(shown[0]["ParameterValue"], "****")

    @claim(
        "A Rule whose assertion is false refuses the request with the assertion's description.",
        f"{_GUIDE}rules-section-structure.html",
        _STACK,
    )
    def test_rules(self) -> None:
        claim_ = {"Assert": {"Fn::Contains": [["a"], parts.ref("P")]}, "AssertDescription": "only a will do"}
        template = {
            "Parameters": {"P": {"Type": "String", "Default": "b"}},
            "Rules": {"OnlyA": {"Assertions": [claim_]}},
            "Resources": {"G": group()},
        }
        self._refused(template, "only a will do")

    @claim(
        "A role needs CAPABILITY_IAM, one with a name CAPABILITY_NAMED_IAM.",
        f"{_API}CreateStack.html",
        "AWS::IAM::Role",
    )
    def test_capabilities(self) -> None:
        for role, capability in ((parts.role(), "CAPABILITY_IAM"), (parts.role(RoleName="n"), "CAPABILITY_NAMED_IAM")):
            with self.subTest(capability):
                self._refused(
                    {"Resources": {"R": role}}, capability, "InsufficientCapabilitiesException", Capabilities=[]
                )

    @claim(
        "Instance profiles and managed policies need CAPABILITY_IAM as well.",
        f"{_API}CreateStack.html",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
    )
    def test_other_capabilities(self) -> None:
        profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": ["x"]}}
        policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": parts.allow(["s3:*"])}}
        for one in (profile, policy):
            with self.subTest(one["Type"]):
                self._refused(
                    {"Resources": {"R": one}}, "CAPABILITY_IAM", "InsufficientCapabilitiesException", Capabilities=[]
                )

    @claim("A template with a macro needs CAPABILITY_AUTO_EXPAND.", f"{_API}CreateStack.html", _STACK)
    def test_auto_expand(self) -> None:
        template = {"Transform": "AWS::LanguageExtensions", "Resources": {"G": group()}}
        self._refused(template, "CAPABILITY_AUTO_EXPAND", "InsufficientCapabilitiesException", Capabilities=[])

    @claim(
        "A reference to what does not exist is refused before anything is made.",
        f"{_GUIDE}resources-section-structure.html",
        _STACK,
    )
    def test_unresolved_reference(self) -> None:
        self._refused({"Resources": {"G": group(parts.ref("Nobody"))}}, "Unresolved resource dependencies")

    @claim("Resources that need each other are refused.", f"{_GUIDE}troubleshooting.html", _STACK)
    def test_circle(self) -> None:
        self._refused({"Resources": {"A": group(DependsOn="B"), "B": group(DependsOn="A")}}, "(?i)circular dependency")

    @claim("A condition that is false leaves the resource out.", f"{_GUIDE}conditions-section-structure.html", _STACK)
    def test_condition(self) -> None:
        name = self.stack(
            {"Yes": group(), "No": group(Condition="Never")}, Conditions={"Never": {"Fn::Equals": ["a", "b"]}}
        )
        found = client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.assertEqual([r["LogicalResourceId"] for r in found], ["Yes"])

    @claim("AWS::StackId ends with a UUID after the stack's name.", f"{_GUIDE}pseudo-parameter-reference.html", _STACK)
    def test_stack_id(self) -> None:
        name = self.stack({"G": group()}, Outputs=parts.outputs(Id=parts.ref("AWS::StackId")))
        self.assertRegex(
            aws().outputs(name)["Id"],
            rf"^arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$",
        )


class Life(Conformance):
    area = "The life of a stack"

    @claim("An export has a name of its own in account and region.", f"{_GUIDE}outputs-section-structure.html", _STACK)
    def test_export_name(self) -> None:
        name = fresh("export")
        output = {"O": {"Value": "v", "Export": {"Name": name}}}
        self.stack({"G": group()}, Outputs=output)
        self.failed(self.stack({"G": group()}, Outputs=output), "cannot be exported twice|already exported")

    @claim("A stack whose output another one imports is not deleted.", f"{_GUIDE}using-cfn-stack-exports.html", _STACK)
    def test_export_in_use(self) -> None:
        name = fresh("export")
        giver = self.stack({"G": group()}, Outputs={"O": {"Value": "v", "Export": {"Name": name}}})
        taker = self.stack({"G": group({"Fn::Sub": ["/imported/${v}", {"v": {"Fn::ImportValue": name}}]})})
        self.holds(taker)
        with self.refused("ValidationError", "in use by|is imported by"):
            client("cloudformation").delete_stack(StackName=giver)
            self.assertEqual(aws().wait(giver), "DELETE_FAILED")
        aws().delete(taker)
        self.assertEqual(aws().delete(giver), "DELETE_COMPLETE")

    @claim(
        "When a resource fails, what was made is deleted: ROLLBACK_COMPLETE.",
        f"{_GUIDE}stack-failure-options.html",
        _STACK,
    )
    def test_rollback(self) -> None:
        place = fresh("/rolled-back")
        name = self.stack({"G": group(place), "T": {**custom(OnCreate=_FAILING), "DependsOn": "G"}})
        self.failed(name, "told to fail")
        self.assertNotIn(place, groups())

    @claim("OnFailure DO_NOTHING, or DisableRollback, keeps what was made.", f"{_API}CreateStack.html", _STACK)
    def test_no_rollback(self) -> None:
        place = fresh("/kept")
        resources = {"G": group(place), "T": {**custom(OnCreate=_FAILING), "DependsOn": "G"}}
        self.holds(self.stack(resources, OnFailure="DO_NOTHING"), "CREATE_FAILED")
        self.assertIn(place, groups())

    @claim("OnFailure DELETE deletes the stack that failed.", f"{_API}CreateStack.html", _STACK)
    def test_delete_on_failure(self) -> None:
        name = self.stack({"T": custom(OnCreate=_FAILING)}, OnFailure="DELETE")
        self.assertIn(aws().status(name), ("", "DELETE_COMPLETE"))

    @claim(
        "A rollback that cannot delete a resource ends as ROLLBACK_FAILED.", f"{_GUIDE}view-stack-events.html", _STACK
    )
    def test_failed_rollback(self) -> None:
        stuck = custom(OnCreate=_FAILING, OnDelete=_FAILING)
        self.holds(self.stack({"T": stuck}), "ROLLBACK_FAILED")

    @claim("A stack that is rolled back can only be deleted.", f"{_GUIDE}view-stack-events.html", _STACK)
    def test_update_after_a_rollback(self) -> None:
        name = self.stack({"T": custom(OnCreate=_FAILING)})
        with self.refused("ValidationError", "ROLLBACK_COMPLETE state"):
            self.update(name, {"G": group()})

    @claim(
        "DeletionPolicy Retain keeps the resource, with the stack's deletion too.",
        f"{_GUIDE}aws-attribute-deletionpolicy.html",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    )
    def test_retain(self) -> None:
        bucket = fresh("retained")
        name = self.stack(
            {"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": bucket}}}
        )
        self.assertEqual(aws().delete(name), "DELETE_COMPLETE")
        client("s3").head_bucket(Bucket=bucket)

    @claim(
        "RetainExceptOnCreate keeps the resource, but not in the rollback of its own creation.",
        f"{_GUIDE}aws-attribute-deletionpolicy.html",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    )
    def test_retain_except_on_create(self) -> None:
        for failing in (True, False):
            with self.subTest(failing=failing):
                bucket = fresh("except")
                made = {
                    "Type": "AWS::S3::Bucket",
                    "DeletionPolicy": "RetainExceptOnCreate",
                    "Properties": {"BucketName": bucket},
                }
                then = {"T": {**custom(OnCreate=_FAILING), "DependsOn": "B"}} if failing else {}
                name = self.stack({"B": made, **then})
                aws().delete(name)
                found = [b["Name"] for b in client("s3").list_buckets()["Buckets"]]
                self.assertEqual(bucket in found, not failing)

    @claim(
        "A resource that leaves the template is deleted in the update's clean-up.",
        f"{_GUIDE}using-cfn-updating-stacks.html",
        _STACK,
    )
    def test_removed_resource(self) -> None:
        place = fresh("/removed")
        name = self.stack({"G": group(place), "H": group()})
        self.assertEqual(self.update(name, {"H": group()}), "UPDATE_COMPLETE")
        self.assertNotIn(place, groups())

    @claim("An update without a change is refused: No updates are to be performed.", f"{_API}UpdateStack.html", _STACK)
    def test_no_update(self) -> None:
        name = self.stack({"G": group()})
        with self.refused("ValidationError", "No updates are to be performed"):
            self.update(name, {"G": group()})

    @claim(
        "A failed update goes back to what was before: UPDATE_ROLLBACK_COMPLETE.",
        f"{_GUIDE}using-cfn-updating-stacks-continueupdaterollback.html",
        _STACK,
    )
    def test_update_rollback(self) -> None:
        place, new = fresh("/before"), fresh("/new")
        name = self.stack({"G": {**group(place), "Properties": {"LogGroupName": place, "RetentionInDays": 1}}})
        changed = {"Type": _GROUP, "Properties": {"LogGroupName": place, "RetentionInDays": 3}}
        failing = {**custom(OnCreate=_FAILING), "DependsOn": ["G", "N"]}
        self.assertEqual(self.update(name, {"G": changed, "N": group(new), "T": failing}), "UPDATE_ROLLBACK_COMPLETE")
        found = client("logs").describe_log_groups(logGroupNamePrefix=place)["logGroups"]
        self.assertEqual(found[0]["retentionInDays"], 1)
        self.assertNotIn(new, groups())

    @claim(
        "What UPDATE_ROLLBACK_FAILED left can be skipped by ContinueUpdateRollback.",
        f"{_API}ContinueUpdateRollback.html",
        _STACK,
    )
    def test_continue_rollback(self) -> None:
        name = self.stack({"T": custom(Value="a")})
        # Both the update and the way back fail.
        self.update(name, {"T": custom(Value="b", OnUpdate=_FAILING), "U": custom()})
        self.assertIn(aws().status(name), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"))
        stuck = self.stack({"T": custom(Value="a", OnUpdate=_FAILING)})
        self.assertEqual(self.update(stuck, {"T": custom(Value="b", OnUpdate=_FAILING)}), "UPDATE_ROLLBACK_FAILED")
        client("cloudformation").continue_update_rollback(StackName=stuck, ResourcesToSkip=["T"])
        self.assertEqual(aws().wait(stuck), "UPDATE_ROLLBACK_COMPLETE")

    @claim("A stack with termination protection is not deleted.", f"{_GUIDE}using-cfn-protect-stacks.html", _STACK)
    def test_termination_protection(self) -> None:
        name = self.stack({"G": group()}, EnableTerminationProtection=True)
        with self.refused("ValidationError", "TerminationProtection"):
            client("cloudformation").delete_stack(StackName=name)
        client("cloudformation").update_termination_protection(StackName=name, EnableTerminationProtection=False)
        self.assertEqual(aws().delete(name), "DELETE_COMPLETE")

    @claim(
        "A nested stack's outputs are its attributes Outputs.NAME.",
        f"{_GUIDE}aws-resource-cloudformation-stack.html",
        _STACK,
    )
    def test_nested_outputs(self) -> None:
        name = self.stack({"Child": self._child()}, Outputs=parts.outputs(Got=parts.att("Child", "Outputs.Given")))
        self.holds(name)
        self.assertEqual(aws().outputs(name), {"Got": "from the child"})

    @claim(
        "A nested stack that fails fails its parent, and both are rolled back.",
        f"{_GUIDE}using-cfn-nested-stacks.html",
        _STACK,
    )
    def test_failed_child(self) -> None:
        name = self.stack({"Child": self._child(T=custom(OnCreate=_FAILING))})
        self.failed(name, "Embedded stack .* was not successfully created")

    @claim("A nested stack is deleted with its parent.", f"{_GUIDE}using-cfn-nested-stacks.html", _STACK)
    def test_deleted_child(self) -> None:
        place = fresh("/nested")
        name = self.stack({"Child": self._child(G=group(place))})
        self.assertIn(place, groups())
        aws().delete(name)
        self.assertNotIn(place, groups())

    @claim(
        "Tags of a stack are tags of its resources, and of its nested stacks.",
        f"{_GUIDE}aws-properties-resource-tags.html",
        _STACK,
    )
    def test_stack_tags(self) -> None:
        network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}}
        name = self.stack(
            {"V": network}, Outputs=parts.outputs(Id=parts.ref("V")), Tags=[{"Key": "team", "Value": "x"}]
        )
        found = client("ec2").describe_vpcs(VpcIds=[aws().outputs(name)["Id"]])["Vpcs"][0]["Tags"]
        tags = {tag["Key"]: tag["Value"] for tag in found}
        self.assertEqual(tags.get("team"), "x")

    @claim(
        "CloudFormation tags what it makes with aws:cloudformation:stack-name, -id and logical-id.",
        f"{_GUIDE}aws-properties-resource-tags.html",
        _STACK,
    )
    def test_own_tags(self) -> None:
        network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}}
        name = self.stack({"V": network}, Outputs=parts.outputs(Id=parts.ref("V")))
        found = client("ec2").describe_vpcs(VpcIds=[aws().outputs(name)["Id"]])["Vpcs"][0].get("Tags", [])
        tags = {tag["Key"]: tag["Value"] for tag in found}
        self.assertEqual(tags.get("aws:cloudformation:stack-name"), name)
        self.assertEqual(tags.get("aws:cloudformation:logical-id"), "V")

    def _child(self, **resources: dict) -> dict:
        s3, bucket = client("s3"), fresh("child")
        s3.create_bucket(Bucket=bucket)
        body = {"Resources": {"G0": group(), **resources}, "Outputs": parts.outputs(Given="from the child")}
        s3.put_object(Bucket=bucket, Key="t.json", Body=json.dumps(body).encode())
        return {"Type": _STACK, "Properties": {"TemplateURL": f"https://s3.{REGION}.amazonaws.com/{bucket}/t.json"}}
