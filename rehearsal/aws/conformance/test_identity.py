"""IAM and STS: what policies allow, who may assume a role."""

import json

from account import ACCOUNT, REGION, Conformance, aws, caller, client, cluster, fresh, parts, session, subnet, vpc
from claims import claim

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_"
_STS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_"
_ROLE = "AWS::IAM::Role"


def statement(actions: object, resource: object = "*", effect: str = "Allow", **condition: dict) -> dict:
    made = {"Effect": effect, "Action": actions, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def bucket(*keys: str) -> str:
    s3, name = client("s3"), fresh("bucket")
    s3.create_bucket(Bucket=name)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    return name


class Policies(Conformance):
    area = "Authorization"

    def denied(self, text: str = "") -> object:
        return self.refused("AccessDenied|AccessDeniedException|UnauthorizedOperation|AccessDeniedFault|403", text)

    @claim(
        "What no policy allows is denied.",
        f"{_GUIDE}reference_policies_evaluation-logic.html",
        _ROLE,
        "ec2:DescribeAvailabilityZones",
    )
    def test_implicit_deny(self) -> None:
        mine = session(caller(p=parts.document([statement("ec2:DescribeAvailabilityZones")])))
        client("ec2", mine).describe_availability_zones()
        with self.denied("is not authorized to perform: ec2:DescribeVpcs"):
            client("ec2", mine).describe_vpcs()

    @claim(
        "An explicit deny wins over any allow.",
        f"{_GUIDE}reference_policies_evaluation-logic.html",
        _ROLE,
        "s3:GetObject",
    )
    def test_explicit_deny(self) -> None:
        name = bucket("open/k", "closed/k")
        rules = [statement("s3:*"), statement("s3:GetObject", f"arn:aws:s3:::{name}/closed/*", "Deny")]
        s3 = client("s3", session(caller(p=parts.document(rules))))
        s3.get_object(Bucket=name, Key="open/k")
        with self.denied("explicit deny"):
            s3.get_object(Bucket=name, Key="closed/k")

    @claim(
        "A statement holds for its resources only.",
        f"{_GUIDE}reference_policies_elements_resource.html",
        _ROLE,
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
    )
    def test_resource(self) -> None:
        mine, other = bucket("k"), bucket("k")
        rules = [
            statement(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"arn:aws:s3:::{mine}/*"),
            statement("s3:ListBucket", f"arn:aws:s3:::{mine}"),
        ]
        s3 = client("s3", session(caller(p=parts.document(rules))))
        s3.list_objects_v2(Bucket=mine)
        s3.put_object(Bucket=mine, Key="n", Body=b"")
        s3.delete_object(Bucket=mine, Key="n")
        for call in (
            lambda: s3.get_object(Bucket=other, Key="k"),
            lambda: s3.put_object(Bucket=other, Key="n", Body=b""),
            lambda: s3.delete_object(Bucket=other, Key="k"),
            lambda: s3.list_objects_v2(Bucket=other),
        ):
            with self.denied():
                call()

    @claim(
        "Tags of objects and versions have actions of their own.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html",
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion",
    )
    def test_object_actions(self) -> None:
        name = bucket()
        root = client("s3")
        root.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        version = root.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
        tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
        calls = {
            "s3:PutObjectTagging": lambda s3: s3.put_object_tagging(Bucket=name, Key="k", Tagging=tags),
            "s3:GetObjectTagging": lambda s3: s3.get_object_tagging(Bucket=name, Key="k"),
            "s3:DeleteObjectTagging": lambda s3: s3.delete_object_tagging(Bucket=name, Key="k"),
            "s3:GetObjectVersion": lambda s3: s3.get_object(Bucket=name, Key="k", VersionId=version),
            "s3:DeleteObjectVersion": lambda s3: s3.delete_object(Bucket=name, Key="k", VersionId=version),
        }
        plain = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
        without = client("s3", session(caller(p=parts.document([statement(plain)]))))
        for action, call in calls.items():
            with self.subTest(action):
                with self.denied():
                    call(without)
                call(client("s3", session(caller(p=parts.document([statement(action)])))))

    @claim(
        "A permissions boundary limits what the role's policies give.",
        f"{_GUIDE}access_policies_boundaries.html",
        _ROLE,
    )
    def test_boundary(self) -> None:
        limit = json.dumps(parts.allow(["ec2:DescribeVpcs", "s3:ListAllMyBuckets"]))
        arn = client("iam").create_policy(PolicyName=fresh("limit"), PolicyDocument=limit)["Policy"]["Arn"]
        mine = session(caller(boundary=arn, p=parts.allow(["ec2:*"])))
        client("ec2", mine).describe_vpcs()
        with self.denied():
            client("ec2", mine).describe_subnets()
        with self.denied():
            client("s3", mine).list_buckets()

    @claim("A session policy limits the session.", f"{_GUIDE}access_policies.html", _ROLE, "sts:AssumeRole")
    def test_session_policy(self) -> None:
        only = json.dumps(parts.allow(["ec2:DescribeVpcs"]))
        mine = session(caller(p=parts.allow(["ec2:*"])), Policy=only)
        client("ec2", mine).describe_vpcs()
        with self.denied():
            client("ec2", mine).describe_subnets()

    @claim(
        "A key that the request does not have makes a condition false.",
        f"{_GUIDE}reference_policies_elements_condition_operators.html",
        _ROLE,
    )
    def test_missing_key(self) -> None:
        rule = statement("ec2:CreateVpc", "*", StringEquals={"aws:RequestTag/app": "x"})
        mine = client("ec2", session(caller(p=parts.document([rule, statement("ec2:CreateTags")]))))
        with self.denied():
            mine.create_vpc(CidrBlock="10.0.0.0/16")
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "app", "Value": "x"}]}]
        mine.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)

    @claim(
        "A variable in a statement has its value of the request; one that the request does not have matches nothing, "
        "unless the variable has a default.",
        f"{_GUIDE}reference_policies_variables.html",
        _ROLE,
        "s3:GetObject",
    )
    def test_variables(self) -> None:
        name = bucket(f"{ACCOUNT}/k", "other/k", "${aws:PrincipalAccount}/k")
        path, mine = f"arn:aws:s3:::{name}/", f"{ACCOUNT}/k"
        own = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
        missing = {"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalTag/absent}"}}
        for rule, allowed in (
            (statement("s3:GetObject", path + "${aws:PrincipalAccount}/*"), [mine]),
            (statement("s3:GetObject", path + "${aws:PrincipalTag/absent}*"), []),
            (statement("s3:GetObject", path + "${aws:PrincipalTag/absent, 'other'}/*"), ["other/k"]),
            (statement("s3:GetObject", path + "other/*", **own), ["other/k"]),
            (statement("s3:GetObject", path + "other/*", **missing), ["other/k"]),
        ):
            s3 = client("s3", session(caller(p=parts.document([rule]))))
            for key in (mine, "other/k", "${aws:PrincipalAccount}/k"):
                with self.subTest(rule=rule, key=key):
                    if key in allowed:
                        s3.get_object(Bucket=name, Key=key)
                        continue
                    with self.denied():
                        s3.get_object(Bucket=name, Key=key)

    @claim(
        "Only policies of the version 2012-10-17 have variables: in others they are text.",
        f"{_GUIDE}reference_policies_elements_version.html",
        _ROLE,
        "s3:GetObject",
    )
    def test_variables_of_an_old_version(self) -> None:
        name = bucket(f"{ACCOUNT}/k", "${aws:PrincipalAccount}/k")
        rule = statement("s3:GetObject", f"arn:aws:s3:::{name}/${{aws:PrincipalAccount}}/*")
        s3 = client("s3", session(caller(p={**parts.document([rule]), "Version": "2008-10-17"})))
        s3.get_object(Bucket=name, Key="${aws:PrincipalAccount}/k")
        with self.denied():
            s3.get_object(Bucket=name, Key=f"{ACCOUNT}/k")

    @claim(
        "Tags on creation need ec2:CreateTags for that action.",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html",
        "ec2:CreateTags",
    )
    def test_tags_on_creation(self) -> None:
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "app", "Value": "x"}]}]
        for action, allowed in (("CreateVpc", True), ("RunInstances", False)):
            with self.subTest(action):
                rules = [
                    statement("ec2:CreateVpc"),
                    statement("ec2:CreateTags", StringEquals={"ec2:CreateAction": action}),
                ]
                mine = client("ec2", session(caller(p=parts.document(rules))))
                if allowed:
                    mine.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
                else:
                    with self.denied():
                        mine.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)

    @claim(
        "A statement for a tagged resource holds for resources with the tag.",
        f"{_GUIDE}access_tags.html",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    )
    def test_resource_tag(self) -> None:
        ec2, network = client("ec2"), vpc()
        tagged, plain = (subnet(network, f"10.0.{n}.0/24") for n in (1, 2))
        ec2.create_tags(Resources=[tagged], Tags=[{"Key": "app", "Value": "x"}])
        rule = statement("ec2:DeleteSubnet", "*", StringEquals={"aws:ResourceTag/app": "x"})
        mine = client("ec2", session(caller(p=parts.document([rule]))))
        with self.denied():
            mine.delete_subnet(SubnetId=plain)
        mine.delete_subnet(SubnetId=tagged)

    @claim(
        "A deleted volume can remain for several minutes: whoever may delete it by its tag learns that it is gone.",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVolume.html",
        "ec2:DeleteVolume",
    )
    def test_deleted_volume(self) -> None:
        rule = statement("ec2:DeleteVolume", "*", StringEquals={"aws:ResourceTag/app": "x"})
        mine = client("ec2", session(caller(p=parts.document([rule]))))
        volumes = [
            client("ec2").create_volume(
                AvailabilityZone=f"{REGION}a",
                Size=1,
                VolumeType="gp3",
                TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "app", "Value": app}]}],
            )["VolumeId"]
            for app in "xy"
        ]
        mine.delete_volume(VolumeId=volumes[0])
        with self.refused("InvalidVolume.NotFound", "does not exist"):
            mine.delete_volume(VolumeId=volumes[0])
        client("ec2").delete_volume(VolumeId=volumes[1])
        with self.denied("is not authorized to perform: ec2:DeleteVolume"):
            mine.delete_volume(VolumeId=volumes[1])

    @claim(
        "What is not there has no tags: a statement for a tagged resource does not hold for it.",
        f"{_GUIDE}reference_policies_elements_condition_operators.html",
        "ec2:TerminateInstances",
        "ec2:DeleteLaunchTemplate",
    )
    def test_no_resource_no_tag(self) -> None:
        rule = statement("ec2:*", "*", StringEquals={"aws:ResourceTag/app": "x"})
        mine = client("ec2", session(caller(p=parts.document([rule]))))
        with self.denied("is not authorized to perform: ec2:TerminateInstances"):
            mine.terminate_instances(InstanceIds=["i-0123456789abcdef0"])
        with self.denied("is not authorized to perform: ec2:DeleteLaunchTemplate"):
            mine.delete_launch_template(LaunchTemplateId="lt-0123456789abcdef0")
        anyone = client("ec2", session(caller(p=parts.document([statement("ec2:*")]))))
        with self.refused("InvalidInstanceID.NotFound"):
            anyone.terminate_instances(InstanceIds=["i-0123456789abcdef0"])

    @claim(
        "Describe actions of EC2 are judged on all resources.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
        "ec2:DescribeSubnets",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeImages",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeCapacityReservations",
        "ec2:DescribePlacementGroups",
    )
    def test_describe(self) -> None:
        scoped = statement("ec2:Describe*", f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/*")
        with self.denied():
            client("ec2", session(caller(p=parts.document([scoped])))).describe_subnets()
        everywhere = statement("ec2:Describe*", StringEquals={"aws:RequestedRegion": REGION})
        mine = client("ec2", session(caller(p=parts.document([everywhere]))))
        for operation in (
            "describe_subnets",
            "describe_network_interfaces",
            "describe_instances",
            "describe_instance_types",
            "describe_images",
            "describe_security_groups",
            "describe_launch_templates",
            "describe_instance_type_offerings",
            "describe_spot_price_history",
            "describe_instance_status",
            "describe_capacity_reservations",
            "describe_placement_groups",
        ):
            with self.subTest(operation):
                getattr(mine, operation)()

    @claim(
        "eks:DescribeCluster and ListNodegroups are judged on the cluster's ARN, DescribeNodegroup on the group's.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html",
        "eks:DescribeCluster",
        "eks:ListNodegroups",
        "eks:DescribeNodegroup",
    )
    def test_eks(self) -> None:
        name = cluster()["name"]
        rules = [
            statement(["eks:DescribeCluster", "eks:ListNodegroups"], f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"),
            statement("eks:DescribeNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/{name}/*/*"),
        ]
        mine = client("eks", session(caller(p=parts.document(rules))))
        mine.describe_cluster(name=name)
        mine.list_nodegroups(clusterName=name)
        with self.refused("ResourceNotFoundException"):
            mine.describe_nodegroup(clusterName=name, nodegroupName="none")
        with self.denied(f"eks:DescribeCluster on resource: arn:aws:eks:{REGION}:{ACCOUNT}:cluster/another"):
            mine.describe_cluster(name="another")
        with self.denied():
            mine.describe_nodegroup(clusterName="another", nodegroupName="none")
        with self.denied():
            mine.list_clusters()

    @claim(
        "Who hands a role to a service needs iam:PassRole on it, for that service.",
        f"{_GUIDE}id_roles_use_passrole.html",
        "iam:PassRole",
        "AWS::Lambda::Function",
    )
    def test_pass_role(self) -> None:
        role = client("iam").create_role(
            RoleName=fresh("passed"), AssumeRolePolicyDocument=json.dumps(parts.trust("lambda.amazonaws.com"))
        )["Role"]["Arn"]
        aws().publish("conformance-code", "empty.zip", {"bootstrap": ""})
        request = {
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": role,
            "Code": {"S3Bucket": "conformance-code", "S3Key": "empty.zip"},
        }
        rights = statement(["lambda:*", "s3:GetObject"])
        for service, allowed in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
            with self.subTest(service):
                passing = statement("iam:PassRole", role, StringEquals={"iam:PassedToService": service})
                mine = client("lambda", session(caller(p=parts.document([rights, passing]))))
                if allowed:
                    mine.create_function(FunctionName=fresh("passed"), **request)
                else:
                    with self.denied("iam:PassRole"):
                        mine.create_function(FunctionName=fresh("passed"), **request)

    @claim(
        "Who may not list a bucket gets 403 for an object that is not there, not 404.",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
        "s3:GetObject",
        "s3:ListBucket",
    )
    def test_missing_object(self) -> None:
        name = bucket()
        reader = client("s3", session(caller(p=parts.allow(["s3:GetObject"]))))
        with self.denied():
            reader.get_object(Bucket=name, Key="none")
        lister = client("s3", session(caller(p=parts.allow(["s3:GetObject", "s3:ListBucket"]))))
        with self.refused("NoSuchKey"):
            lister.get_object(Bucket=name, Key="none")

    @claim(
        "A bucket policy's deny counts for everyone, the bucket's owner too.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html",
        "AWS::S3::BucketPolicy",
    )
    def test_bucket_policy(self) -> None:
        name = bucket("open", "closed")
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/closed"}
        client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(parts.document([deny])))
        s3 = client("s3", session(caller(p=parts.allow(["s3:*"]))))
        s3.get_object(Bucket=name, Key="open")
        with self.denied():
            s3.get_object(Bucket=name, Key="closed")

    @claim(
        "aws:SecureTransport tells https from http.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        "AWS::S3::BucketPolicy",
    )
    def test_secure_transport(self) -> None:
        name = bucket("k")
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{name}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(parts.document([deny])))
        client("s3", session(caller(p=parts.allow(["s3:*"])))).get_object(Bucket=name, Key="k")

    @claim(
        "The Glue actions are judged on catalog, database and table.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html",
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetTable",
        "glue:GetTables",
        "glue:GetPartitions",
        "glue:CreateTable",
        "glue:UpdateTable",
        "glue:DeleteTable",
    )
    def test_glue(self) -> None:
        glue, name = client("glue"), fresh("db").replace("-", "_")
        glue.create_database(DatabaseInput={"Name": name})
        prefix = f"arn:aws:glue:{REGION}:{ACCOUNT}"
        places = [f"{prefix}:catalog", f"{prefix}:database/*", f"{prefix}:table/*"]
        reading = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"]
        reader = client("glue", session(caller(p=parts.document([statement(reading, places)]))))
        table = {"Name": "t", "StorageDescriptor": {"Columns": []}}
        with self.denied():
            reader.create_table(DatabaseName=name, TableInput=table)
        writing = [*reading, "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"]
        writer = client("glue", session(caller(p=parts.document([statement(writing, places)]))))
        writer.create_table(DatabaseName=name, TableInput=table)
        writer.update_table(DatabaseName=name, TableInput=table)
        reader.get_database(Name=name)
        reader.get_databases()
        reader.get_table(DatabaseName=name, Name="t")
        reader.get_tables(DatabaseName=name)
        reader.get_partitions(DatabaseName=name, TableName="t")
        writer.delete_table(DatabaseName=name, Name="t")

    @claim(
        "logs:CreateLogStream and PutLogEvents are judged on the group's ARN with :*.",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "AWS::Logs::LogGroup",
    )
    def test_logs(self) -> None:
        root, mine, other = client("logs"), fresh("/mine"), fresh("/other")
        for name in (mine, other):
            root.create_log_group(logGroupName=name)
        place = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{mine}:*"
        logs = client(
            "logs", session(caller(p=parts.document([statement(["logs:CreateLogStream", "logs:PutLogEvents"], place)])))
        )
        logs.create_log_stream(logGroupName=mine, logStreamName="s")
        logs.put_log_events(logGroupName=mine, logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])
        with self.denied():
            logs.create_log_stream(logGroupName=other, logStreamName="s")


class Roles(Conformance):
    area = "Roles and sessions"

    @claim(
        "A role with an external id in its trust policy is assumed with that id only.",
        f"{_GUIDE}id_roles_common-scenarios_third-party.html",
        "sts:AssumeRole",
        _ROLE,
    )
    def test_external_id(self) -> None:
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "right"}},
        }
        role = caller(trust=parts.document([trust]))
        sts = client("sts", session(caller(p=parts.allow(["sts:AssumeRole"]))))
        sts.assume_role(RoleArn=role, RoleSessionName="me", ExternalId="right")
        for more in ({}, {"ExternalId": "wrong"}):
            with self.subTest(**more), self.refused("AccessDenied"):
                sts.assume_role(RoleArn=role, RoleSessionName="me", **more)

    @claim(
        "Tags of a session need sts:TagSession, in the role's trust policy too.",
        f"{_GUIDE}id_session-tags.html",
        "sts:TagSession",
        "sts:AssumeRole",
    )
    def test_session_tags(self) -> None:
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        sts = client("sts", session(caller(p=parts.allow(["sts:AssumeRole", "sts:TagSession"]))))
        tags = [{"Key": "a", "Value": "b"}]
        plain = caller(trust=parts.document([{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}]))
        with self.refused("AccessDenied"):
            sts.assume_role(RoleArn=plain, RoleSessionName="me", Tags=tags)
        both = ["sts:AssumeRole", "sts:TagSession"]
        tagged = caller(trust=parts.document([{"Effect": "Allow", "Principal": root, "Action": both}]))
        sts.assume_role(RoleArn=tagged, RoleSessionName="me", Tags=tags)

    @claim("A role that does not trust the caller is not assumed.", f"{_STS}AssumeRole.html", "sts:AssumeRole")
    def test_untrusted(self) -> None:
        role = caller(trust=parts.trust("lambda.amazonaws.com"))
        sts = client("sts", session(caller(p=parts.allow(["sts:AssumeRole"]))))
        with self.refused("AccessDenied", "is not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=role, RoleSessionName="me")

    @claim(
        "A session's name has 2 to 64 characters of A-Z a-z 0-9 _ = , . @ -.",
        f"{_STS}AssumeRole.html",
        "sts:AssumeRole",
    )
    def test_session_name(self) -> None:
        with self.refused("ValidationError"):
            client("sts").assume_role(RoleArn=caller(), RoleSessionName="with space")

    @claim(
        "A session lasts 15 minutes to the role's maximum, one hour without a setting.",
        f"{_STS}AssumeRole.html",
        "sts:AssumeRole",
    )
    def test_duration(self) -> None:
        role = caller()
        client("sts").assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)
        with self.refused("ValidationError", "exceeds the MaxSessionDuration"):
            client("sts").assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=3601)

    @claim(
        "GetCallerIdentity names role and session, without the role's path, and needs no rights.",
        f"{_STS}GetCallerIdentity.html",
        "sts:GetCallerIdentity",
    )
    def test_caller_identity(self) -> None:
        role = caller(path="/team/")
        found = client("sts", session(role)).get_caller_identity()["Arn"]
        self.assertEqual(found, f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[-1]}/check")

    @claim(
        "A policy that is no valid JSON policy is refused: MalformedPolicyDocument.", f"{_IAM}PutRolePolicy.html", _ROLE
    )
    def test_malformed(self) -> None:
        name = caller().rsplit("/", 1)[-1]
        for text in ("{", '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"s3:*","Resource":"*"}]}'):
            with self.subTest(text), self.refused("MalformedPolicyDocument"):
                client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text)

    @claim(
        "A role's name is unique in the account, whatever its path: EntityAlreadyExists.",
        f"{_IAM}CreateRole.html",
        _ROLE,
    )
    def test_same_name(self) -> None:
        name = caller().rsplit("/", 1)[-1]
        with self.refused("EntityAlreadyExists"):
            client("iam").create_role(
                RoleName=name, Path="/other/", AssumeRolePolicyDocument=json.dumps(parts.trust("ec2.amazonaws.com"))
            )

    @claim(
        "A role's inline policies have 10,240 characters together at most.", f"{_GUIDE}reference_iam-quotas.html", _ROLE
    )
    def test_inline_size(self) -> None:
        name = caller().rsplit("/", 1)[-1]
        long = parts.allow(["s3:GetObject"], [f"arn:aws:s3:::bucket-{n}-{'x' * 40}" for n in range(220)])
        with self.refused("LimitExceeded"):
            client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(long))

    @claim(
        "A managed policy has 6,144 characters at most.",
        f"{_GUIDE}reference_iam-quotas.html",
        "AWS::IAM::ManagedPolicy",
    )
    def test_managed_size(self) -> None:
        long = parts.allow(["s3:GetObject"], [f"arn:aws:s3:::bucket-{n}-{'x' * 40}" for n in range(120)])
        with self.refused("LimitExceeded"):
            client("iam").create_policy(PolicyName=fresh("long"), PolicyDocument=json.dumps(long))

    @claim(
        "AWS::IAM::RolePolicy puts one inline policy into a role that is there, changes it, and takes only it away.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-rolepolicy.html",
        "AWS::IAM::RolePolicy",
    )
    def test_role_policy(self) -> None:
        iam, role = client("iam"), caller(own=parts.allow(["sqs:*"])).rsplit("/", 1)[-1]

        def resource(action: str) -> dict:
            properties = {"RoleName": role, "PolicyName": "pass", "PolicyDocument": parts.allow([action])}
            return {"P": {"Type": "AWS::IAM::RolePolicy", "Properties": properties}}

        name = self.stack(resource("sns:*"))
        self.holds(name)
        self.assertEqual(sorted(iam.list_role_policies(RoleName=role)["PolicyNames"]), ["own", "pass"])
        self.assertEqual(self.update(name, resource("ec2:*")), "UPDATE_COMPLETE")
        document = iam.get_role_policy(RoleName=role, PolicyName="pass")["PolicyDocument"]
        self.assertIn("ec2:*", json.dumps(document))
        self.refuses(resource("sns:*"), "already exists")
        aws().delete(name)
        self.assertEqual(iam.list_role_policies(RoleName=role)["PolicyNames"], ["own"])

    @claim("A role's description has 1,000 characters at most.", f"{_IAM}CreateRole.html", _ROLE)
    def test_description(self) -> None:
        with self.refused("ValidationError"):
            client("iam").create_role(
                RoleName=fresh("r"),
                Description="x" * 1001,
                AssumeRolePolicyDocument=json.dumps(parts.trust("ec2.amazonaws.com")),
            )

    @claim(
        "An OIDC provider is there once for a URL: EntityAlreadyExists.",
        f"{_IAM}CreateOpenIDConnectProvider.html",
        "AWS::IAM::OIDCProvider",
    )
    def test_provider(self) -> None:
        url = f"https://{fresh('issuer')}.example.com/id"
        client("iam").create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])
        with self.refused("EntityAlreadyExists"):
            client("iam").create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])

    @claim(
        "A token of an issuer without a provider in the account is refused: InvalidIdentityToken.",
        f"{_STS}AssumeRoleWithWebIdentity.html",
        "sts:AssumeRoleWithWebIdentity",
    )
    def test_web_identity(self) -> None:
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/nobody.example.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
        }
        role = caller(trust=parts.document([trust]))
        token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL25vYm9keS5leGFtcGxlLmNvbSJ9.c2ln"
        with self.refused("InvalidIdentityToken"):
            client("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="me", WebIdentityToken=token)

    @claim(
        "AWS's managed policies of nodes and add-ons allow what they need and no more.",
        "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEBSCSIDriverPolicy.html",
        _ROLE,
    )
    def test_managed_policies(self) -> None:
        role = caller()
        client("iam").attach_role_policy(
            RoleName=role.rsplit("/", 1)[-1], PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
        )
        ec2 = client("ec2", session(role))
        request = {"AvailabilityZone": f"{REGION}a", "Size": 1, "VolumeType": "gp3"}
        with self.refused("UnauthorizedOperation"):
            ec2.create_volume(**request)
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "ebs.csi.aws.com/cluster", "Value": "true"}]}]
        volume = ec2.create_volume(**request, TagSpecifications=tags)["VolumeId"]
        ec2.delete_volume(VolumeId=volume)
        with self.refused("NoSuchEntity"):
            client("iam").attach_role_policy(
                RoleName=role.rsplit("/", 1)[-1], PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy"
            )
