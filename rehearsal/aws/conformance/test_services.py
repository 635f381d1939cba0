"""S3, Lambda, CloudWatch Logs, SQS, EventBridge, SSM and EC2's network, as the templates use them."""

import base64
import hashlib
import json

from account import ACCOUNT, REGION, Conformance, aws, client, eventually, fresh, parts, service_role, subnet, vpc
from claims import claim

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
_LAMBDA_API = "https://docs.aws.amazon.com/lambda/latest/api/API_"
_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
_VPC = "https://docs.aws.amazon.com/vpc/latest/userguide/"
_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"
_FUNCTION = "AWS::Lambda::Function"

ECHO = """#!/usr/bin/env python3
import os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as got:
        request_id, event = got.headers["Lambda-Runtime-Aws-Request-Id"], got.read()
    print("GOT", flush=True)
    print("STREAM", os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], flush=True)
    if b"fail" in event:
        path, answer = "/error", b'{"errorMessage": "told to fail", "errorType": "Told"}'
    else:
        path, answer = "/response", event
    urllib.request.urlopen(urllib.request.Request(api + request_id + path, answer)).close()
"""


class Buckets(Conformance):
    area = "S3"

    def make(self, **more: object) -> str:
        name = fresh("bucket")
        client("s3").create_bucket(Bucket=name, **more)
        return name

    @claim(
        "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens.",
        f"{_S3}bucketnamingrules.html",
        "AWS::S3::Bucket",
    )
    def test_name(self) -> None:
        for name in ("Capital", "under_score", "-first", "two..dots", "192.168.5.4", "xn--x"):
            with self.subTest(name), self.refused("InvalidBucketName"):
                client("s3").create_bucket(Bucket=name)

    @claim(
        "A request that names another account as the bucket's owner is refused, whatever its caller may do.",
        f"{_S3}bucket-owner-condition.html",
        "s3:PutObject",
        "s3:GetObject",
    )
    def test_expected_owner(self) -> None:
        name, s3, other = self.make(), client("s3"), "222222222222"
        s3.put_object(Bucket=name, Key="k", Body=b"1", ExpectedBucketOwner=ACCOUNT)
        with self.refused("AccessDenied"):
            s3.put_object(Bucket=name, Key="k", Body=b"2", ExpectedBucketOwner=other)
        with self.refused("AccessDenied"):
            s3.get_object(Bucket=name, Key="k", ExpectedBucketOwner=other)
        with self.refused("403|AccessDenied"):
            s3.head_bucket(Bucket=name, ExpectedBucketOwner=other)
        self.assertEqual(s3.get_object(Bucket=name, Key="k", ExpectedBucketOwner=ACCOUNT)["Body"].read(), b"1")

    @claim(
        "A write with If-None-Match: * fails if there is an object of the key.",
        f"{_S3}conditional-writes.html",
        "s3:PutObject",
    )
    def test_no_overwriting(self) -> None:
        name, s3 = self.make(), client("s3")
        s3.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")
        with self.refused("PreconditionFailed"):
            s3.put_object(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")
        self.assertEqual(s3.get_object(Bucket=name, Key="k")["Body"].read(), b"1")

    @claim(
        "An object is kept with the SHA-256 sum that its upload had, and refused if its bytes are others.",
        f"{_S3}checking-object-integrity-upload.html",
        "s3:PutObject",
        "s3:GetObject",
    )
    def test_checksums(self) -> None:
        name, s3 = self.make(), client("s3")
        right = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
        s3.put_object(Bucket=name, Key="k", Body=b"1", ChecksumSHA256=right)
        self.assertEqual(s3.head_object(Bucket=name, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"], right)
        with self.refused("BadDigest|InvalidRequest"):
            s3.put_object(Bucket=name, Key="other", Body=b"2", ChecksumSHA256=right)
        with self.refused("404|NoSuchKey"):
            s3.head_object(Bucket=name, Key="other")

    @claim("A new bucket encrypts with SSE-S3.", f"{_S3}default-bucket-encryption.html", "AWS::S3::Bucket")
    def test_encryption(self) -> None:
        found = client("s3").get_bucket_encryption(Bucket=self.make())["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual(found[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")

    @claim(
        "Versioning, once enabled, is suspended but never off again.",
        f"{_S3}Versioning.html",
        "AWS::S3::Bucket",
        "s3:GetObjectVersion",
    )
    def test_versioning(self) -> None:
        s3, name = client("s3"), self.make()
        self.assertNotIn("Status", s3.get_bucket_versioning(Bucket=name))
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
        s3.put_object(Bucket=name, Key="k", Body=b"2")
        self.assertEqual(s3.get_object(Bucket=name, Key="k", VersionId=first)["Body"].read(), b"1")

    @claim(
        "A delete without a version makes a delete marker; the object is hidden.",
        f"{_S3}DeleteMarker.html",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    )
    def test_delete_marker(self) -> None:
        s3, name = client("s3"), self.make()
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="k", Body=b"1")
        marker = s3.delete_object(Bucket=name, Key="k")
        self.assertTrue(marker["DeleteMarker"])
        with self.refused("NoSuchKey"):
            s3.get_object(Bucket=name, Key="k")
        s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
        s3.get_object(Bucket=name, Key="k")

    @claim("With BucketOwnerEnforced ACLs are refused.", f"{_S3}about-object-ownership.html", "AWS::S3::Bucket")
    def test_ownership(self) -> None:
        s3, name = client("s3"), self.make()
        rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=rules)
        with self.refused("AccessControlListNotSupported"):
            s3.put_bucket_acl(Bucket=name, ACL="private")

    @claim(
        "BlockPublicPolicy refuses a policy that makes the bucket public.",
        f"{_S3}access-control-block-public-access.html",
        "AWS::S3::BucketPolicy",
    )
    def test_public_policy(self) -> None:
        s3, name = client("s3"), self.make()
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
        public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
        with self.refused("AccessDenied"):
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(parts.document([public])))

    @claim(
        "A bucket policy names the bucket it belongs to: MalformedPolicy.",
        f"{_S3}bucket-policies.html",
        "AWS::S3::BucketPolicy",
    )
    def test_foreign_policy(self) -> None:
        s3, name = client("s3"), self.make()
        foreign = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::another/*"}
        with self.refused("MalformedPolicy"):
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(parts.document([foreign])))

    @claim(
        "Lifecycle, logging, encryption and versioning of a template reach the bucket.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-s3-bucket.html",
        "AWS::S3::Bucket",
    )
    def test_properties(self) -> None:
        target, name = self.make(), fresh("bucket")
        properties = {
            "BucketName": name,
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {"Rules": [{"Id": "r", "Status": "Enabled", "ExpirationInDays": 1}]},
            "LoggingConfiguration": {"DestinationBucketName": target, "LogFilePrefix": "p/"},
        }
        self.holds(self.stack({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}}))
        s3 = client("s3")
        self.assertEqual(s3.get_bucket_versioning(Bucket=name)["Status"], "Enabled")
        self.assertEqual(s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["Expiration"], {"Days": 1})
        self.assertEqual(s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetBucket"], target)


class Functions(Conformance):
    area = "Lambda"

    def make(self, role: str = "", **more: object) -> str:
        aws().publish("conformance-code", "echo.zip", {"bootstrap": ECHO})
        name = fresh("function")
        client("lambda").create_function(
            **{
                "FunctionName": name,
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Role": role or service_role("lambda.amazonaws.com", "service-role/AWSLambdaBasicExecutionRole"),
                "Code": {"S3Bucket": "conformance-code", "S3Key": "echo.zip"},
                **more,
            }
        )
        return name

    def active(self, name: str) -> str:
        describe = client("lambda").get_function_configuration
        eventually(lambda: describe(FunctionName=name)["State"] == "Active")
        return name

    @claim("A new function is Pending, then Active.", f"{_LAMBDA}functions-states.html", _FUNCTION)
    def test_states(self) -> None:
        name = self.make()
        self.assertIn(client("lambda").get_function_configuration(FunctionName=name)["State"], ("Pending", "Active"))
        self.active(name)

    @claim("The role must trust lambda.amazonaws.com.", f"{_LAMBDA}lambda-intro-execution-role.html", _FUNCTION)
    def test_role(self) -> None:
        with self.refused("InvalidParameterValueException", "cannot be assumed by Lambda"):
            self.make(role=service_role("ec2.amazonaws.com"))

    @claim(
        "A function in a VPC needs a role that may make network interfaces.",
        f"{_LAMBDA}configuration-vpc.html",
        _FUNCTION,
        "ec2:CreateNetworkInterface",
    )
    def test_vpc(self) -> None:
        network = vpc()
        group = client("ec2").create_security_group(GroupName="g", Description="d", VpcId=network)["GroupId"]
        where = {"SubnetIds": [subnet(network)], "SecurityGroupIds": [group]}
        with self.refused("InvalidParameterValueException", "CreateNetworkInterface"):
            self.make(VpcConfig=where)
        role = service_role("lambda.amazonaws.com", "service-role/AWSLambdaVPCAccessExecutionRole")
        self.active(self.make(role=role, VpcConfig=where))

    @claim("The code's object must be there.", f"{_LAMBDA_API}CreateFunction.html", _FUNCTION, "s3:GetObject")
    def test_code(self) -> None:
        with self.refused("InvalidParameterValueException", "NoSuchKey|NoSuchBucket"):
            self.make(Code={"S3Bucket": "conformance-code", "S3Key": "none.zip"})

    @claim("The environment has 4 KB at most.", f"{_LAMBDA}gettingstarted-limits.html", _FUNCTION)
    def test_environment(self) -> None:
        with self.refused("InvalidParameterValueException", "4096|4KB|environment"):
            self.make(Environment={"Variables": {"LONG": "x" * 4100}})

    @claim("Variables that Lambda sets itself cannot be set.", f"{_LAMBDA}configuration-envvars.html", _FUNCTION)
    def test_reserved_variables(self) -> None:
        with self.refused("InvalidParameterValueException", "AWS_REGION"):
            self.make(Environment={"Variables": {"AWS_REGION": "x"}})

    @claim(
        "Memory is 128 to 10,240 MB, the time-out 1 to 900 seconds.", f"{_LAMBDA}gettingstarted-limits.html", _FUNCTION
    )
    def test_memory_and_timeout(self) -> None:
        for more in ({"MemorySize": 10241}, {"Timeout": 901}):
            with (
                self.subTest(**more),
                self.refused("InvalidParameterValueException|ValidationException|ParamValidation"),
            ):
                self.make(**more)

    @claim(
        "A synchronous request has 6 MB at most, an asynchronous one 1 MB.",
        f"{_LAMBDA}gettingstarted-limits.html",
        "lambda:InvokeFunction",
    )
    def test_payload(self) -> None:
        name = self.active(self.make())
        for kind, size in (("RequestResponse", 6 * 1024 * 1024 + 1024), ("Event", 1024 * 1024 + 1024)):
            with self.subTest(kind), self.refused("RequestTooLargeException|RequestEntityTooLargeException|413"):
                client("lambda").invoke(FunctionName=name, InvocationType=kind, Payload=json.dumps("x" * size))

    @claim(
        "The answer of a function that failed has FunctionError, and its log's end on request.",
        f"{_LAMBDA_API}Invoke.html",
        "lambda:InvokeFunction",
    )
    def test_error(self) -> None:
        name = self.active(self.make())
        answer = client("lambda").invoke(FunctionName=name, Payload=b'"fail"', LogType="Tail")
        self.assertEqual(answer["FunctionError"], "Unhandled")
        self.assertIn(b"GOT", base64.b64decode(answer["LogResult"]))

    @claim(
        "An asynchronous request that fails is tried twice more, or as often as the event invoke config says.",
        f"{_LAMBDA}invocation-async-error-handling.html",
        "AWS::Lambda::EventInvokeConfig",
    )
    def test_retries(self) -> None:
        name = self.active(self.make())
        client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
        found = client("lambda").get_function_event_invoke_config(FunctionName=name)
        self.assertEqual(found["MaximumRetryAttempts"], 0)
        with self.refused("InvalidParameterValueException|ValidationException|ParamValidation"):
            client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=21601)

    @claim(
        "Logs go to /aws/lambda/NAME, or to the group of LoggingConfig.",
        f"{_LAMBDA}monitoring-cloudwatchlogs.html",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    )
    def test_logs(self) -> None:
        group = fresh("/mine")
        client("logs").create_log_group(logGroupName=group)
        for place, more in (("", {}), (group, {"LoggingConfig": {"LogGroup": group}})):
            name = self.active(self.make(**more))
            client("lambda").invoke(FunctionName=name, Payload=b'"x"')
            where = place or f"/aws/lambda/{name}"
            eventually(lambda where=where: client("logs").filter_log_events(logGroupName=where)["events"])

    @claim(
        "In a log group of LoggingConfig a stream is YYYY/MM/DD/NAME[VERSION]..., and the function is told that name.",
        f"{_LAMBDA}monitoring-cloudwatchlogs-loggroups.html",
        _FUNCTION,
    )
    def test_log_stream(self) -> None:
        group = fresh("/mine")
        client("logs").create_log_group(logGroupName=group)
        name = self.active(self.make(LoggingConfig={"LogGroup": group}))
        client("lambda").invoke(FunctionName=name, Payload=b'"x"')
        told = lambda: [  # noqa: E731
            e
            for e in client("logs").filter_log_events(logGroupName=group, filterPattern="STREAM")["events"]
            if e["message"].startswith("STREAM ")
        ]
        line = eventually(told)[0]
        self.assertRegex(line["logStreamName"], rf"^\d{{4}}/\d\d/\d\d/{name}\[\$LATEST\]\[?[0-9a-f]+")
        self.assertEqual(line["message"].split()[1], line["logStreamName"])

    @claim("A zip file in the request has 50 MB at most.", f"{_LAMBDA}gettingstarted-limits.html", _FUNCTION)
    def test_zip(self) -> None:
        with self.refused("InvalidParameterValueException|RequestEntityTooLargeException|413"):
            self.make(Code={"ZipFile": b"x" * (53 * 1024 * 1024)})


class Others(Conformance):
    area = "Logs, queues, events, parameters"

    @claim(
        "Retention is one of 1, 3, 5, 7, 14, 30, 60, 90 ... 3653 days.",
        f"{_LOGS}PutRetentionPolicy.html",
        "AWS::Logs::LogGroup",
    )
    def test_retention(self) -> None:
        name = fresh("/g")
        client("logs").create_log_group(logGroupName=name)
        with self.refused("InvalidParameterException"):
            client("logs").put_retention_policy(logGroupName=name, retentionInDays=2)
        client("logs").put_retention_policy(logGroupName=name, retentionInDays=3653)

    @claim(
        "A log group is there once: ResourceAlreadyExistsException.",
        f"{_LOGS}CreateLogGroup.html",
        "AWS::Logs::LogGroup",
    )
    def test_log_group(self) -> None:
        name = fresh("/g")
        client("logs").create_log_group(logGroupName=name)
        with self.refused("ResourceAlreadyExistsException"):
            client("logs").create_log_group(logGroupName=name)

    @claim("A message is kept for 60 seconds to 14 days.", f"{_SQS}SetQueueAttributes.html", "AWS::SQS::Queue")
    def test_queue_retention(self) -> None:
        for seconds in ("59", "1209601"):
            with self.subTest(seconds), self.refused("InvalidAttributeValue"):
                client("sqs").create_queue(QueueName=fresh("q"), Attributes={"MessageRetentionPeriod": seconds})

    @claim(
        "A received message is hidden until it is deleted or its visibility time-out ends.",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
    )
    def test_visibility(self) -> None:
        sqs, name = client("sqs"), fresh("q")
        sqs.create_queue(QueueName=name)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
        got = sqs.receive_message(QueueUrl=url)["Messages"][0]
        self.assertNotIn("Messages", sqs.receive_message(QueueUrl=url))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])

    @claim(
        "A rule sends to a queue only if the queue's policy lets events.amazonaws.com.",
        f"{_EVENTS}eb-use-resource-based.html",
        "AWS::Events::Rule",
        "AWS::SQS::QueuePolicy",
        "sqs:SendMessage",
    )
    def test_rule_to_queue(self) -> None:
        sqs, events = client("sqs"), client("events")
        source = fresh("my.source")
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        queues = {}
        for kind in ("with", "without"):
            name = fresh(kind)
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
            if kind == "with":
                policy = json.dumps(parts.document([{**allow, "Resource": arn}]))
                sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
            events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
            events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
            queues[kind] = url
        events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": "{}"}])
        got = eventually(lambda: sqs.receive_message(QueueUrl=queues["with"]).get("Messages"))
        self.assertEqual(json.loads(got[0]["Body"])["source"], source)
        self.assertNotIn("Messages", sqs.receive_message(QueueUrl=queues["without"]))

    @claim(
        "A rule takes the events that match its pattern, and no others.",
        f"{_EVENTS}eb-event-patterns.html",
        "AWS::Events::Rule",
    )
    def test_pattern(self) -> None:
        pattern = json.dumps({"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]})
        event = {
            "id": "1",
            "account": ACCOUNT,
            "region": REGION,
            "time": "2026-01-01T00:00:00Z",
            "resources": [],
            "detail": {},
            "source": "aws.ec2",
        }
        for kind, matches in (("EC2 Spot Instance Interruption Warning", True), ("Another", False)):
            with self.subTest(kind):
                found = client("events").test_event_pattern(
                    EventPattern=pattern, Event=json.dumps({**event, "detail-type": kind})
                )
                self.assertEqual(found["Result"], matches)

    @claim(
        "A rule with targets is not deleted.",
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html",
        "AWS::Events::Rule",
    )
    def test_rule_with_targets(self) -> None:
        events, name = client("events"), fresh("rule")
        events.put_rule(Name=name, EventPattern='{"source":["x"]}')
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}])
        with self.refused("ValidationException"):
            events.delete_rule(Name=name)
        events.remove_targets(Rule=name, Ids=["q"])
        events.delete_rule(Name=name)

    @claim(
        "The images of EKS's nodes are public parameters.",
        "https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html",
        "ssm:GetParameter",
    )
    def test_parameters(self) -> None:
        name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/standard/recommended/image_id"
        image = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        found = client("ec2").describe_images(ImageIds=[image])["Images"][0]
        self.assertEqual(found["Architecture"], "arm64")

    @claim(
        "Instance profiles are listed, and read by name.",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetInstanceProfile.html",
        "iam:ListInstanceProfiles",
        "iam:GetInstanceProfile",
        "AWS::IAM::InstanceProfile",
    )
    def test_instance_profiles(self) -> None:
        iam, name = client("iam"), fresh("profile")
        iam.create_instance_profile(InstanceProfileName=name)
        self.assertIn(name, [p["InstanceProfileName"] for p in iam.list_instance_profiles()["InstanceProfiles"]])
        with self.refused("NoSuchEntity"):
            iam.get_instance_profile(InstanceProfileName="none")


class Network(Conformance):
    area = "Network"

    @claim("A VPC's block is /16 to /28.", f"{_VPC}vpc-cidr-blocks.html", "AWS::EC2::VPC")
    def test_vpc_size(self) -> None:
        for block in ("10.0.0.0/15", "10.0.0.0/29"):
            with self.subTest(block):
                self.refuses({"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": block}}}, "InvalidVpc")

    def _network(self, **resources: dict) -> dict:
        return {"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}, **resources}

    @claim("A subnet is within its VPC, and overlaps with no other.", f"{_VPC}subnet-sizing.html", "AWS::EC2::Subnet")
    def test_subnets(self) -> None:
        def place(block: str) -> dict:
            return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": parts.ref("V"), "CidrBlock": block}}

        self.refuses(self._network(A=place("10.1.0.0/24")), "InvalidSubnet.Range")
        self.refuses(self._network(A=place("10.0.0.0/24"), B=place("10.0.0.128/25")), "InvalidSubnet.Conflict")

    @claim(
        "Five addresses of each subnet are not free.",
        f"{_VPC}subnet-sizing.html",
        "AWS::EC2::Subnet",
        "ec2:DescribeSubnets",
    )
    def test_reserved(self) -> None:
        place = subnet(vpc())
        found = client("ec2").describe_subnets(SubnetIds=[place])["Subnets"][0]
        self.assertEqual(found["AvailableIpAddressCount"], 251)

    @claim(
        "A NAT gateway needs an internet gateway that is attached to its VPC.",
        f"{_VPC}vpc-nat-gateway.html",
        "AWS::EC2::NatGateway",
        "AWS::EC2::VPCGatewayAttachment",
    )
    def test_nat_gateway(self) -> None:
        network = parts.network()
        for name in ("Attachment", "PublicRoute", "PrivateRoute"):
            del network[name]
        network["Nat"].pop("DependsOn")
        network["Address"].pop("DependsOn")
        self.refuses(network, "(?i)gateway")

    @claim(
        "A route's target is in the route table's VPC.",
        f"{_EC2}CreateRoute.html",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
    )
    def test_route(self) -> None:
        gateway = {"Type": "AWS::EC2::InternetGateway"}
        table = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": parts.ref("V")}}
        route = {"RouteTableId": parts.ref("T"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": parts.ref("G")}
        self.refuses(
            self._network(G=gateway, T=table, R={"Type": "AWS::EC2::Route", "Properties": route}), "(?i)gateway|network"
        )

    @claim(
        "A route whose NAT gateway is deleted is a black hole.",
        f"{_VPC}nat-gateway-troubleshooting.html",
        "AWS::EC2::Route",
        "AWS::EC2::NatGateway",
    )
    def test_black_hole(self) -> None:
        ec2, network = client("ec2"), vpc()
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        nat = ec2.create_nat_gateway(SubnetId=subnet(network), AllocationId=address)["NatGateway"]["NatGatewayId"]
        table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        ec2.delete_nat_gateway(NatGatewayId=nat)
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        self.assertEqual([r["State"] for r in routes if r.get("NatGatewayId") == nat], ["blackhole"])

    @claim(
        "A destination is there once in a route table: RouteAlreadyExists.",
        f"{_EC2}CreateRoute.html",
        "AWS::EC2::Route",
    )
    def test_same_route(self) -> None:
        ec2, network = client("ec2"), vpc()
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        with self.refused("RouteAlreadyExists"):
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    @claim(
        "A VPC has one internet gateway at most.",
        f"{_EC2}AttachInternetGateway.html",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::VPCGatewayAttachment",
    )
    def test_second_gateway(self) -> None:
        ec2, network = client("ec2"), vpc()
        one, two = (ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] for _ in range(2))
        ec2.attach_internet_gateway(InternetGatewayId=one, VpcId=network)
        with self.refused("InvalidParameterValue|Resource.AlreadyAssociated"):
            ec2.attach_internet_gateway(InternetGatewayId=two, VpcId=network)

    @claim(
        "A security group's rule is there once: InvalidPermission.Duplicate.",
        f"{_EC2}AuthorizeSecurityGroupIngress.html",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
    )
    def test_same_rule(self) -> None:
        ec2, network = client("ec2"), vpc()
        group = ec2.create_security_group(GroupName="g", Description="d", VpcId=network)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        with self.refused("InvalidPermission.Duplicate"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])

    @claim(
        "A new security group lets everything out, and nothing in.",
        f"{_VPC}vpc-security-groups.html",
        "AWS::EC2::SecurityGroup",
        "ec2:DescribeSecurityGroups",
    )
    def test_default_rules(self) -> None:
        ec2, network = client("ec2"), vpc()
        group = ec2.create_security_group(GroupName="g", Description="d", VpcId=network)["GroupId"]
        made = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        self.assertEqual((made["IpPermissions"], made["IpPermissionsEgress"][0]["IpProtocol"]), ([], "-1"))

    @claim(
        "A gateway endpoint adds a route to its prefix list to its route tables.",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html",
        "AWS::EC2::VPCEndpoint",
    )
    def test_gateway_endpoint(self) -> None:
        ec2, network = client("ec2"), vpc()
        table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
        ec2.create_vpc_endpoint(VpcId=network, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table])
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        self.assertTrue([r for r in routes if r.get("DestinationPrefixListId", "").startswith("pl-")])

    @claim(
        "A launch template's name is unique: InvalidLaunchTemplateName.AlreadyExistsException.",
        f"{_EC2}CreateLaunchTemplate.html",
        "AWS::EC2::LaunchTemplate",
        "ec2:CreateLaunchTemplate",
        "ec2:DeleteLaunchTemplate",
    )
    def test_launch_template(self) -> None:
        ec2, name = client("ec2"), fresh("lt")
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"EbsOptimized": True})
        with self.refused("InvalidLaunchTemplateName.AlreadyExistsException"):
            ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"EbsOptimized": True})
        ec2.delete_launch_template(LaunchTemplateName=name)
        with self.refused("InvalidLaunchTemplateName.NotFoundException"):
            ec2.describe_launch_templates(LaunchTemplateNames=[name])

    @claim(
        "An instance takes an address of its subnet, and ends when it is terminated.",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html",
        "ec2:RunInstances",
        "ec2:TerminateInstances",
        "ec2:CreateFleet",
    )
    def test_instance(self) -> None:
        ec2, place = client("ec2"), subnet(vpc())
        name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
        image = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        made = ec2.run_instances(ImageId=image, InstanceType="m7i.large", SubnetId=place, MinCount=1, MaxCount=1)
        instance = made["Instances"][0]["InstanceId"]
        self.assertTrue(made["Instances"][0]["PrivateIpAddress"].startswith("10.0.0."))
        with self.refused("DependencyViolation"):
            ec2.delete_subnet(SubnetId=place)
        ec2.terminate_instances(InstanceIds=[instance])

        def state() -> str:
            found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
            return found["State"]["Name"]

        eventually(lambda: state() == "terminated")
        eventually(lambda: ec2.delete_subnet(SubnetId=place))
