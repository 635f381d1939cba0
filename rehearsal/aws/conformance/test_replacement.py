"""What an update does to a resource: in place, or a new one."""

from account import Conformance, aws, client, fresh, parts
from claims import claim

_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-"
_OLD_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-"


class Replacement(Conformance):
    area = "Replacement"

    def changes(self, kind: str, before: dict, changed: dict, replaced: bool, **others: dict) -> None:
        """Update a resource's properties, and look whether its physical id is another one."""
        one = {"Type": kind, "Properties": before}
        two = {"Type": kind, "Properties": {**before, **changed}}
        name = self.stack({"It": one, **others})
        self.holds(name)
        first = self._id(name)
        self.assertEqual(self.update(name, {"It": two, **others}), "UPDATE_COMPLETE", aws().reasons(name))
        self.assertEqual(self._id(name) != first, replaced)

    def _id(self, stack: str) -> str:
        found = client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="It")
        return found["StackResourceDetail"]["PhysicalResourceId"]

    @claim("VPC: CidrBlock replaces, EnableDnsSupport does not.", f"{_PAGE}ec2-vpc.html", "AWS::EC2::VPC")
    def test_vpc(self) -> None:
        self.changes("AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/16"}, {"CidrBlock": "10.2.0.0/16"}, True)
        self.changes("AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/16"}, {"EnableDnsSupport": True}, False)

    @claim("Subnet: CidrBlock replaces, MapPublicIpOnLaunch does not.", f"{_PAGE}ec2-subnet.html", "AWS::EC2::Subnet")
    def test_subnet(self) -> None:
        network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.3.0.0/16"}}
        before = {"VpcId": parts.ref("V"), "CidrBlock": "10.3.0.0/24"}
        self.changes("AWS::EC2::Subnet", before, {"CidrBlock": "10.3.1.0/24"}, True, V=network)
        self.changes("AWS::EC2::Subnet", before, {"MapPublicIpOnLaunch": True}, False, V=network)

    @claim(
        "Security group: GroupDescription replaces, its rules do not.",
        f"{_PAGE}ec2-securitygroup.html",
        "AWS::EC2::SecurityGroup",
    )
    def test_security_group(self) -> None:
        network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.3.0.0/16"}}
        before = {"VpcId": parts.ref("V"), "GroupDescription": "a"}
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
        self.changes("AWS::EC2::SecurityGroup", before, {"GroupDescription": "b"}, True, V=network)
        self.changes("AWS::EC2::SecurityGroup", before, {"SecurityGroupEgress": [rule]}, False, V=network)

    @claim("Route table: VpcId replaces, tags do not.", f"{_PAGE}ec2-routetable.html", "AWS::EC2::RouteTable")
    def test_route_table(self) -> None:
        networks = {n: {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.3.0.0/16"}} for n in ("V", "W")}
        before = {"VpcId": parts.ref("V")}
        self.changes("AWS::EC2::RouteTable", before, {"VpcId": parts.ref("W")}, True, **networks)
        self.changes("AWS::EC2::RouteTable", before, {"Tags": [{"Key": "a", "Value": "b"}]}, False, **networks)

    @claim(
        "Launch template: its data makes a new version of the same template.",
        f"{_PAGE}ec2-launchtemplate.html",
        "AWS::EC2::LaunchTemplate",
    )
    def test_launch_template(self) -> None:
        before = {"LaunchTemplateData": {"EbsOptimized": True}}
        self.changes("AWS::EC2::LaunchTemplate", before, {"LaunchTemplateData": {"EbsOptimized": False}}, False)

    @claim("Role: RoleName and Path replace, policies do not.", f"{_PAGE}iam-role.html", "AWS::IAM::Role")
    def test_role(self) -> None:
        before = parts.role()["Properties"]
        self.changes("AWS::IAM::Role", before, {"Path": "/team/"}, True)
        self.changes("AWS::IAM::Role", before, {"RoleName": fresh("role")}, True)
        self.changes("AWS::IAM::Role", before, {"Description": "new"}, False)

    @claim(
        "Instance profile: Path replaces, Roles does not.",
        f"{_PAGE}iam-instanceprofile.html",
        "AWS::IAM::InstanceProfile",
    )
    def test_instance_profile(self) -> None:
        roles = {"R": parts.role("ec2.amazonaws.com"), "S": parts.role("ec2.amazonaws.com")}
        before = {"Roles": [parts.ref("R")]}
        self.changes("AWS::IAM::InstanceProfile", before, {"Path": "/team/"}, True, **roles)
        self.changes("AWS::IAM::InstanceProfile", before, {"Roles": [parts.ref("S")]}, False, **roles)

    @claim(
        "Managed policy: Description and Path replace, the document does not.",
        f"{_PAGE}iam-managedpolicy.html",
        "AWS::IAM::ManagedPolicy",
    )
    def test_managed_policy(self) -> None:
        before = {"PolicyDocument": parts.allow(["s3:GetObject"])}
        self.changes("AWS::IAM::ManagedPolicy", before, {"Path": "/team/"}, True)
        self.changes("AWS::IAM::ManagedPolicy", before, {"Description": "new"}, True)
        self.changes("AWS::IAM::ManagedPolicy", before, {"PolicyDocument": parts.allow(["s3:PutObject"])}, False)

    @claim(
        "OIDC provider: Url replaces, the client ids do not.", f"{_PAGE}iam-oidcprovider.html", "AWS::IAM::OIDCProvider"
    )
    def test_oidc_provider(self) -> None:
        before = {"Url": f"https://{fresh('a')}.example.com", "ClientIdList": ["a"]}
        self.changes("AWS::IAM::OIDCProvider", before, {"Url": f"https://{fresh('b')}.example.com"}, True)
        self.changes(
            "AWS::IAM::OIDCProvider", {**before, "Url": "https://c.example.com"}, {"ClientIdList": ["b"]}, False
        )

    @claim(
        "Log group: LogGroupName replaces, RetentionInDays does not.",
        f"{_PAGE}logs-loggroup.html",
        "AWS::Logs::LogGroup",
    )
    def test_log_group(self) -> None:
        before = {"LogGroupName": fresh("/g")}
        self.changes("AWS::Logs::LogGroup", before, {"LogGroupName": fresh("/h")}, True)
        self.changes("AWS::Logs::LogGroup", before, {"RetentionInDays": 7}, False)

    @claim("Bucket: BucketName replaces, versioning does not.", f"{_PAGE}s3-bucket.html", "AWS::S3::Bucket")
    def test_bucket(self) -> None:
        before = {"BucketName": fresh("one")}
        self.changes("AWS::S3::Bucket", before, {"BucketName": fresh("two")}, True)
        self.changes("AWS::S3::Bucket", before, {"VersioningConfiguration": {"Status": "Enabled"}}, False)

    @claim(
        "Function: FunctionName replaces, the configuration does not.",
        f"{_PAGE}lambda-function.html",
        "AWS::Lambda::Function",
    )
    def test_function(self) -> None:
        aws().publish("code", "function.zip", {"bootstrap": ""})
        before = parts.function()["Properties"]
        self.changes("AWS::Lambda::Function", before, {"FunctionName": fresh("f")}, True, Role=parts.role())
        self.changes("AWS::Lambda::Function", before, {"MemorySize": 256}, False, Role=parts.role())

    @claim("Queue: QueueName replaces, attributes do not.", f"{_OLD_PAGE}sqs-queues.html", "AWS::SQS::Queue")
    def test_queue(self) -> None:
        self.changes("AWS::SQS::Queue", {"QueueName": fresh("q")}, {"QueueName": fresh("r")}, True)
        self.changes("AWS::SQS::Queue", {"QueueName": fresh("q")}, {"MessageRetentionPeriod": 300}, False)

    @claim("Rule: Name replaces, the pattern does not.", f"{_PAGE}events-rule.html", "AWS::Events::Rule")
    def test_rule(self) -> None:
        before = {"Name": fresh("rule"), "EventPattern": {"source": ["aws.ec2"]}}
        self.changes("AWS::Events::Rule", before, {"Name": fresh("rule")}, True)
        self.changes("AWS::Events::Rule", before, {"EventPattern": {"source": ["aws.health"]}}, False)

    @claim(
        "A resource with a name of its own is not replaced by one of the same name: its update fails.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html",
        "AWS::IAM::Role",
    )
    def test_custom_name(self) -> None:
        before = parts.role(RoleName=fresh("named"))
        name = self.stack({"It": before})
        changed = {**before, "Properties": {**before["Properties"], "Path": "/team/"}}
        self.assertEqual(self.update(name, {"It": changed}), "UPDATE_ROLLBACK_COMPLETE")
        self.assertIn("custom-named", aws().reasons(name))
