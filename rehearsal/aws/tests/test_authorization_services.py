"""What AWS allows and refuses outside of EC2, by real calls of roles that have just the statements of each row."""

import json
import unittest

import parts
from botocore.exceptions import ClientError
from embedded import REGION
from rows import ACCOUNT, IAM, Row, Table, World, allow, deny, tags

EKS = f"arn:aws:eks:{REGION}:{ACCOUNT}"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
WAF = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional"
TRUST = json.dumps(parts.trust("lambda.amazonaws.com"))
AMI = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/standard"
SPOT = f"{IAM}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
POLICY = json.dumps(parts.allow(["s3:GetObject"]))
OURS = f"{IAM}:policy/ours"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


def setUpModule() -> None:
    Table.world = World()
    aws, ids = Table.world.aws, Table.world.ids
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    iam.create_policy(PolicyName="ours", PolicyDocument=POLICY)
    iam.create_role(
        RoleName="bounded",
        Path="/apps/",
        AssumeRolePolicyDocument=TRUST,
        PermissionsBoundary=OURS,
        Tags=tags(team="a"),
    )
    iam.create_role(RoleName="free", Path="/apps/", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="workers", Path="/apps/", Tags=tags(team="a"))
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    ids["subnet"] = subnets[0]["SubnetId"]
    ids["other_subnet"] = subnets[1]["SubnetId"]
    ids["vpc"] = subnets[0]["VpcId"]
    ids["queue"] = aws.client("sqs").create_queue(QueueName="work", tags={"team": "a"})["QueueUrl"]
    aws.client("sqs").create_queue(QueueName="other")
    balancing = aws.client("elbv2")
    made = balancing.create_load_balancer(
        Name="front", Subnets=[ids["subnet"], ids["other_subnet"]], Type="network", Tags=tags(team="a")
    )
    ids["balancer"] = made["LoadBalancers"][0]["LoadBalancerArn"]
    group = balancing.create_target_group(Name="pods", Protocol="TCP", Port=80, VpcId=ids["vpc"], TargetType="ip")
    ids["targets"] = group["TargetGroups"][0]["TargetGroupArn"]
    aws.client("cloudformation").create_stack(StackName="there", TemplateBody=TEMPLATE, Tags=tags(team="a"))
    aws.wait("there")
    stack = aws.client("cloudformation").describe_stacks(StackName="there")["Stacks"][0]
    ids["stack"] = stack["StackId"]
    key = aws.client("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]
    ids["key"], ids["key_id"] = key["Arn"], key["KeyId"]
    aws.client("kms").create_alias(AliasName="alias/ours", TargetKeyId=key["KeyId"])
    for name in ("/aws/lambda/it", "/aws/lambda/other"):
        aws.client("logs").create_log_group(logGroupName=name)


def tearDownModule() -> None:
    Table.world.aws.stop()


class Identities(Table):
    def test_iam(self) -> None:
        create = {"RoleName": "new", "AssumeRolePolicyDocument": TRUST}
        boundary = {"iam:PermissionsBoundary": OURS}
        self.judge(
            [
                Row(
                    "a role's path is in its ARN",
                    [allow("iam:GetRole", f"{IAM}:role/apps/*")],
                    "iam.get_role",
                    {"RoleName": "free"},
                ),
                Row(
                    "another path",
                    [allow("iam:GetRole", f"{IAM}:role/free")],
                    "iam.get_role",
                    {"RoleName": "free"},
                    f"iam:GetRole {IAM}:role/apps/free",
                ),
                Row(
                    "the path of a new role",
                    [allow("iam:CreateRole", f"{IAM}:role/apps/*")],
                    "iam.create_role",
                    {**create, "Path": "/else/"},
                    f"iam:CreateRole {IAM}:role/else/new",
                ),
                Row(
                    "a role within a boundary",
                    [allow("iam:CreateRole", "*", StringEquals=boundary)],
                    "iam.create_role",
                    {**create, "RoleName": "within", "PermissionsBoundary": OURS},
                ),
                Row(
                    "a role without",
                    [allow("iam:CreateRole", "*", StringEquals=boundary)],
                    "iam.create_role",
                    create,
                    f"iam:CreateRole {IAM}:role/new",
                ),
                Row(
                    "a key that the action does not have",
                    [allow("iam:ListRolePolicies", "*", StringEquals=boundary)],
                    "iam.list_role_policies",
                    {"RoleName": "bounded"},
                    f"iam:ListRolePolicies {IAM}:role/apps/bounded",
                ),
                Row(
                    "policies of a role with the boundary",
                    [allow("iam:PutRolePolicy", "*", StringEquals=boundary)],
                    "iam.put_role_policy",
                    {"RoleName": "bounded", "PolicyName": "x", "PolicyDocument": POLICY},
                ),
                Row(
                    "and of one without",
                    [allow("iam:PutRolePolicy", "*", StringEquals=boundary)],
                    "iam.put_role_policy",
                    {"RoleName": "free", "PolicyName": "x", "PolicyDocument": POLICY},
                    f"iam:PutRolePolicy {IAM}:role/apps/free",
                ),
                Row(
                    "this policy",
                    [allow("iam:AttachRolePolicy", "*", ArnEquals={"iam:PolicyARN": OURS})],
                    "iam.attach_role_policy",
                    {"RoleName": "free", "PolicyArn": OURS},
                ),
                Row(
                    "another policy",
                    [allow("iam:AttachRolePolicy", "*", ArnEquals={"iam:PolicyARN": OURS})],
                    "iam.attach_role_policy",
                    {"RoleName": "free", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
                    f"iam:AttachRolePolicy {IAM}:role/apps/free",
                ),
                Row(
                    "a role by its tag",
                    [allow("iam:DeleteRole", "*", StringEquals={"iam:ResourceTag/team": "a"})],
                    "iam.delete_role",
                    {"RoleName": "free"},
                    f"iam:DeleteRole {IAM}:role/apps/free",
                ),
                Row(
                    "tags of a new role",
                    [allow("iam:CreateRole")],
                    "iam.create_role",
                    {**create, "Tags": tags(team="a")},
                    f"iam:TagRole {IAM}:role/new",
                ),
                Row(
                    "a profile with the tags asked for",
                    [allow("iam:CreateInstanceProfile", "*", StringEquals={"aws:RequestTag/team": "a"})],
                    "iam.create_instance_profile",
                    {"InstanceProfileName": "fresh", "Tags": tags(team="a")},
                ),
                Row(
                    "a role for a profile is handed over",
                    [allow("iam:AddRoleToInstanceProfile", "*", StringEquals={"aws:ResourceTag/team": "a"})],
                    "iam.add_role_to_instance_profile",
                    {"InstanceProfileName": "workers", "RoleName": "free"},
                    f"iam:PassRole {IAM}:role/apps/free",
                ),
                Row(
                    "to EC2",
                    [
                        allow("iam:AddRoleToInstanceProfile", f"{IAM}:instance-profile/apps/workers"),
                        allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "ec2.amazonaws.com"}),
                    ],
                    "iam.add_role_to_instance_profile",
                    {"InstanceProfileName": "workers", "RoleName": "free"},
                ),
                Row(
                    "a service's own role",
                    [
                        allow(
                            "iam:CreateServiceLinkedRole", "*", StringEquals={"iam:AWSServiceName": "eks.amazonaws.com"}
                        )
                    ],
                    "iam.create_service_linked_role",
                    {"AWSServiceName": "spot.amazonaws.com"},
                    f"iam:CreateServiceLinkedRole {SPOT}",
                ),
                Row(
                    "a provider's ARN has its host",
                    [allow("iam:CreateOpenIDConnectProvider", f"{IAM}:oidc-provider/oidc.eks.*")],
                    "iam.create_open_id_connect_provider",
                    {"Url": "https://example.com/id/A"},
                    f"iam:CreateOpenIDConnectProvider {IAM}:oidc-provider/example.com/id/A",
                ),
                Row(
                    "a list has no resource",
                    [allow("iam:ListRoles", f"{IAM}:role/*")],
                    "iam.list_roles",
                    {},
                    "iam:ListRoles",
                ),
            ]
        )

    def test_sessions(self) -> None:
        role = f"{IAM}:role/rows/assumed"
        iam = self.world.aws.client("iam")
        root = {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        named = {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:role/apps/bounded"}, "Action": "sts:AssumeRole"}
        outside = {**root, "Condition": {"StringEquals": {"sts:ExternalId": "right"}}}
        for name, trust in (("assumed", root), ("external", outside), ("named", named)):
            document = json.dumps(parts.document([trust]))
            iam.create_role(RoleName=name, Path="/rows/", AssumeRolePolicyDocument=document)
        asked = {"RoleArn": role, "RoleSessionName": "me"}
        self.judge(
            [
                Row("a role", [allow("sts:AssumeRole", role)], "sts.assume_role", asked),
                Row("no role", [], "sts.assume_role", asked, f"sts:AssumeRole {role}"),
                Row(
                    "the name of the session",
                    [allow("sts:AssumeRole", role, StringEquals={"sts:RoleSessionName": "you"})],
                    "sts.assume_role",
                    asked,
                    f"sts:AssumeRole {role}",
                ),
                Row(
                    "tags of the session",
                    [allow("sts:AssumeRole", role)],
                    "sts.assume_role",
                    {**asked, "Tags": tags(team="a")},
                    f"sts:TagSession {role}",
                ),
                Row(
                    "the right tags",
                    [allow(["sts:AssumeRole", "sts:TagSession"], role, StringEquals={"aws:RequestTag/team": "a"})],
                    "sts.assume_role",
                    {**asked, "Tags": tags(team="a")},
                ),
                Row(
                    "with the external id",
                    [allow("sts:AssumeRole", "*", StringEquals={"sts:ExternalId": "right"})],
                    "sts.assume_role",
                    {**asked, "RoleArn": f"{IAM}:role/rows/external", "ExternalId": "right"},
                ),
            ]
        )
        # Whom the trust policy does not let in is refused whatever the caller's own policies say.
        sts = self.world.aws.client("sts", self.world.principal([allow("sts:AssumeRole")]))
        for arguments in ({"ExternalId": "wrong"}, {}):
            with self.assertRaisesRegex(ClientError, "not authorized to perform: sts:AssumeRole"):
                sts.assume_role(RoleArn=f"{IAM}:role/rows/external", RoleSessionName="me", **arguments)

    def test_who_a_trust_policy_names_needs_no_policy_of_his_own(self) -> None:
        credentials = self.world.principal([])
        caller = self.world.aws.client("sts", credentials).get_caller_identity()["Arn"].split("/")[1]
        trust = {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:role/rows/{caller}"}, "Action": "sts:AssumeRole"}
        document = json.dumps(parts.document([trust]))
        iam = self.world.aws.client("iam")
        role = iam.create_role(RoleName="for-one", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.world.aws.client("sts", credentials).assume_role(RoleArn=role, RoleSessionName="me")
        other = self.world.aws.client("sts", self.world.principal([]))
        with self.assertRaisesRegex(ClientError, "not authorized to perform: sts:AssumeRole"):
            other.assume_role(RoleArn=role, RoleSessionName="me")


class Services(Table):
    def test_eks(self) -> None:
        cluster = {"name": "new", "roleArn": f"{IAM}:role/apps/free", "resourcesVpcConfig": {"subnetIds": ["{subnet}"]}}
        entry = {"clusterName": "c", "principalArn": f"{IAM}:role/apps/free"}
        nodes = {"clusterName": "c", "nodegroupName": "n", "nodeRole": f"{IAM}:role/apps/free", "subnets": ["{subnet}"]}
        scope = {**entry, "policyArn": ADMIN, "accessScope": {"type": "namespace", "namespaces": ["a"]}}
        self.judge(
            [
                Row(
                    "a cluster by its name",
                    [allow("eks:DescribeCluster", f"{EKS}:cluster/mine")],
                    "eks.describe_cluster",
                    {"name": "yours"},
                    f"eks:DescribeCluster {EKS}:cluster/yours",
                ),
                Row(
                    "a new cluster, and its role",
                    [allow("eks:CreateCluster", f"{EKS}:cluster/new")],
                    "eks.create_cluster",
                    cluster,
                    f"iam:PassRole {IAM}:role/apps/free",
                ),
                Row(
                    "how a cluster authenticates",
                    [allow("eks:CreateCluster", "*", StringEquals={"eks:authenticationMode": "API"})],
                    "eks.create_cluster",
                    {**cluster, "accessConfig": {"authenticationMode": "CONFIG_MAP"}},
                    f"eks:CreateCluster {EKS}:cluster/new",
                ),
                Row(
                    "the tags of a new cluster",
                    [allow(["eks:CreateCluster", "iam:PassRole"])],
                    "eks.create_cluster",
                    {**cluster, "tags": {"team": "a"}},
                    f"eks:TagResource {EKS}:cluster/new",
                ),
                Row(
                    "who gets an entry",
                    [allow("eks:CreateAccessEntry", "*", ArnLike={"eks:principalArn": f"{IAM}:role/apps/*"})],
                    "eks.create_access_entry",
                    entry,
                ),
                Row(
                    "somebody else",
                    [allow("eks:CreateAccessEntry", "*", ArnLike={"eks:principalArn": f"{IAM}:role/apps/*"})],
                    "eks.create_access_entry",
                    {**entry, "principalArn": f"{IAM}:role/admin"},
                    f"eks:CreateAccessEntry {EKS}:cluster/c",
                ),
                Row(
                    "an entry by its ARN",
                    [allow("eks:DescribeAccessEntry", f"{EKS}:access-entry/c/role/{ACCOUNT}/free/*")],
                    "eks.describe_access_entry",
                    entry,
                ),
                Row(
                    "this policy in this scope",
                    [
                        allow(
                            "eks:AssociateAccessPolicy",
                            "*",
                            StringEquals={"eks:accessScope": "namespace"},
                            ArnEquals={"eks:policyArn": ADMIN},
                            ForAllValues_StringEquals={"eks:namespaces": ["a", "b"]},
                        )
                    ],
                    "eks.associate_access_policy",
                    scope,
                ),
                Row(
                    "the whole cluster",
                    [allow("eks:AssociateAccessPolicy", "*", StringEquals={"eks:accessScope": "namespace"})],
                    "eks.associate_access_policy",
                    {**scope, "accessScope": {"type": "cluster"}},
                    f"eks:AssociateAccessPolicy {EKS}:access-entry/c/role/{ACCOUNT}/free/*",
                ),
                Row(
                    "the role of nodes",
                    [allow("eks:CreateNodegroup", f"{EKS}:cluster/c")],
                    "eks.create_nodegroup",
                    nodes,
                    f"iam:PassRole {IAM}:role/apps/free",
                ),
                Row(
                    "a node group has a part that is drawn",
                    [allow("eks:DescribeNodegroup", f"{EKS}:nodegroup/c/*/*")],
                    "eks.describe_nodegroup",
                    {"clusterName": "c", "nodegroupName": "n"},
                ),
                Row(
                    "the role of an add-on",
                    [allow("eks:CreateAddon")],
                    "eks.create_addon",
                    {"clusterName": "c", "addonName": "a", "serviceAccountRoleArn": f"{IAM}:role/apps/free"},
                    f"iam:PassRole {IAM}:role/apps/free",
                ),
                Row(
                    "the role of pods",
                    [
                        allow("eks:CreatePodIdentityAssociation"),
                        allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "eks.amazonaws.com"}),
                    ],
                    "eks.create_pod_identity_association",
                    {
                        "clusterName": "c",
                        "namespace": "n",
                        "serviceAccount": "s",
                        "roleArn": f"{IAM}:role/apps/free",
                    },
                    f"iam:PassRole {IAM}:role/apps/free",
                ),
                Row("a list of clusters", [allow("eks:ListClusters")], "eks.list_clusters", {}),
            ]
        )

    def test_first_load_balancer_makes_the_services_role(self) -> None:
        service, name = "elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"
        arn = f"{IAM}:role/aws-service-role/{service}/{name}"
        iam = self.world.aws.client("iam")
        iam.delete_service_linked_role(RoleName=name)
        create = allow("elasticloadbalancing:CreateLoadBalancer")
        call, subnets = "elbv2.create_load_balancer", ["{subnet}", "{other_subnet}"]
        self.judge(
            [
                Row(
                    "without a right to make the role",
                    [create],
                    call,
                    {"Name": "first", "Subnets": subnets},
                    f"iam:CreateServiceLinkedRole {arn}",
                ),
                Row(
                    "with that of another service",
                    [
                        create,
                        allow(
                            "iam:CreateServiceLinkedRole",
                            "*",
                            StringEquals={"iam:AWSServiceName": "autoscaling.amazonaws.com"},
                        ),
                    ],
                    call,
                    {"Name": "first", "Subnets": subnets},
                    f"iam:CreateServiceLinkedRole {arn}",
                ),
                Row(
                    "with the right",
                    [
                        create,
                        allow("iam:CreateServiceLinkedRole", arn, StringEquals={"iam:AWSServiceName": service}),
                    ],
                    call,
                    {"Name": "first", "Subnets": subnets},
                ),
                Row("once there is one", [create], call, {"Name": "second", "Subnets": subnets}),
            ]
        )
        self.assertEqual(iam.get_role(RoleName=name)["Role"]["Path"], f"/aws-service-role/{service}/")

    def test_load_balancing(self) -> None:
        made = {"Name": "new", "Subnets": ["{subnet}", "{other_subnet}"], "Type": "network"}
        create = allow("elasticloadbalancing:CreateLoadBalancer")
        self.judge(
            [
                Row(
                    "the kind is in the ARN",
                    [allow("elasticloadbalancing:CreateLoadBalancer", f"{ELB}:loadbalancer/app/*")],
                    "elbv2.create_load_balancer",
                    made,
                    f"elasticloadbalancing:CreateLoadBalancer {ELB}:loadbalancer/net/new/*",
                ),
                Row(
                    "inside only",
                    [
                        allow(
                            "elasticloadbalancing:CreateLoadBalancer",
                            "*",
                            StringEquals={"elasticloadbalancing:Scheme": "internal"},
                        )
                    ],
                    "elbv2.create_load_balancer",
                    made,
                    f"elasticloadbalancing:CreateLoadBalancer {ELB}:loadbalancer/net/new/*",
                ),
                Row(
                    "tags on creation",
                    [create],
                    "elbv2.create_load_balancer",
                    {**made, "Tags": tags(team="a")},
                    f"elasticloadbalancing:AddTags {ELB}:loadbalancer/net/new/*",
                ),
                Row(
                    "with the action that creates",
                    [
                        create,
                        allow(
                            "elasticloadbalancing:AddTags",
                            f"{ELB}:loadbalancer/net/*/*",
                            StringEquals={"elasticloadbalancing:CreateAction": "CreateLoadBalancer"},
                            Null={"aws:RequestTag/team": "false"},
                        ),
                    ],
                    "elbv2.create_load_balancer",
                    {**made, "Tags": tags(team="a")},
                ),
                Row(
                    "targets of a group by its tag",
                    [
                        allow(
                            "elasticloadbalancing:RegisterTargets",
                            "*",
                            StringEquals={"aws:ResourceTag/team": "a"},
                        )
                    ],
                    "elbv2.register_targets",
                    {"TargetGroupArn": "{targets}", "Targets": [{"Id": "10.0.0.1"}]},
                    "elasticloadbalancing:RegisterTargets {targets}",
                ),
                Row(
                    "a load balancer by its tag",
                    [
                        allow(
                            "elasticloadbalancing:DeleteLoadBalancer",
                            "*",
                            StringEquals={"elasticloadbalancing:ResourceTag/team": "a"},
                        )
                    ],
                    "elbv2.delete_load_balancer",
                    {"LoadBalancerArn": "{balancer}"},
                ),
                Row(
                    "a list has no resource",
                    [allow("elasticloadbalancing:DescribeLoadBalancers", f"{ELB}:loadbalancer/*")],
                    "elbv2.describe_load_balancers",
                    {},
                    "elasticloadbalancing:DescribeLoadBalancers",
                ),
            ]
        )

    def test_functions(self) -> None:
        made = {
            "FunctionName": "new",
            "Role": f"{IAM}:role/apps/free",
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Code": {"S3Bucket": "code", "S3Key": "function.zip"},
        }
        create = allow("lambda:CreateFunction", f"{FUNCTION}:new")
        hand = allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
        read = allow("s3:GetObject", "arn:aws:s3:::code/*")
        network = {**made, "VpcConfig": {"SubnetIds": ["{subnet}"], "SecurityGroupIds": ["sg-0"]}}
        self.judge(
            [
                Row("with all that it needs", [create, hand, read], "lambda.create_function", made),
                Row("its role", [create, read], "lambda.create_function", made, f"iam:PassRole {IAM}:role/apps/free"),
                Row(
                    "its code",
                    [create, hand],
                    "lambda.create_function",
                    made,
                    's3:GetObject "arn:aws:s3:::code/function.zip"',
                ),
                Row(
                    "its tags",
                    [create, hand, read],
                    "lambda.create_function",
                    {**made, "Tags": {"team": "a"}},
                    f"lambda:TagResource {FUNCTION}:new",
                ),
                Row(
                    "its network",
                    [create, hand, read],
                    "lambda.create_function",
                    network,
                    "ec2:DescribeSecurityGroups",
                ),
                Row(
                    "in this subnet only",
                    [
                        allow(
                            "lambda:CreateFunction", "*", ForAllValues_StringEquals={"lambda:SubnetIds": ["subnet-0"]}
                        ),
                        hand,
                        read,
                    ],
                    "lambda.create_function",
                    network,
                    f"lambda:CreateFunction {FUNCTION}:new",
                ),
                Row(
                    "another role later",
                    [allow("lambda:UpdateFunctionConfiguration")],
                    "lambda.update_function_configuration",
                    {"FunctionName": "new", "Role": f"{IAM}:role/apps/bounded"},
                    f"iam:PassRole {IAM}:role/apps/bounded",
                ),
                Row(
                    "who may be let in",
                    [allow("lambda:AddPermission", "*", StringEquals={"lambda:Principal": "events.amazonaws.com"})],
                    "lambda.add_permission",
                    {
                        "FunctionName": "new",
                        "StatementId": "s",
                        "Action": "lambda:InvokeFunction",
                        "Principal": "s3.amazonaws.com",
                    },
                    f"lambda:AddPermission {FUNCTION}:new",
                ),
                Row(
                    "an alias is part of the ARN",
                    [allow("lambda:InvokeFunction", f"{FUNCTION}:new")],
                    "lambda.invoke",
                    {"FunctionName": "new", "Qualifier": "live"},
                    f"lambda:InvokeFunction {FUNCTION}:new:live",
                ),
            ]
        )

    def test_stacks(self) -> None:
        made = {"StackName": "new", "TemplateBody": TEMPLATE}
        role = f"{IAM}:role/apps/free"
        self.judge(
            [
                Row(
                    "a stack has an id that is drawn",
                    [allow("cloudformation:CreateStack", f"{STACK}/old/*")],
                    "cloudformation.create_stack",
                    made,
                    f"cloudformation:CreateStack {STACK}/new/*",
                ),
                Row(
                    "the role that it gets",
                    [allow("cloudformation:CreateStack")],
                    "cloudformation.create_stack",
                    {**made, "RoleARN": role},
                    f"iam:PassRole {role}",
                ),
                Row(
                    "only with this role",
                    [allow("cloudformation:CreateStack", "*", ArnEquals={"cloudformation:RoleArn": role})],
                    "cloudformation.create_stack",
                    made,
                    f"cloudformation:CreateStack {STACK}/new/*",
                ),
                Row(
                    "templates of here",
                    [
                        allow(
                            "cloudformation:CreateStack",
                            "*",
                            StringLike={"cloudformation:TemplateUrl": "https://here/*"},
                        )
                    ],
                    "cloudformation.create_stack",
                    {"StackName": "new", "TemplateURL": "https://s3.us-east-1.amazonaws.com/there/t.yaml"},
                    f"cloudformation:CreateStack {STACK}/new/*",
                ),
                Row(
                    "a stack by its tag",
                    [allow("cloudformation:DescribeStacks", "*", StringEquals={"aws:ResourceTag/team": "a"})],
                    "cloudformation.describe_stacks",
                    {"StackName": "there"},
                ),
                Row(
                    "the stack that is there",
                    [],
                    "cloudformation.describe_stack_events",
                    {"StackName": "there"},
                    "cloudformation:DescribeStackEvents {stack}",
                ),
                Row(
                    "deleting by a role",
                    [allow("cloudformation:DeleteStack")],
                    "cloudformation.delete_stack",
                    {"StackName": "there", "RoleARN": role},
                    f"iam:PassRole {role}",
                ),
            ]
        )

    def test_queues_rules_logs_parameters_and_keys(self) -> None:
        role = f"{IAM}:role/apps/free"
        target = {"Id": "t", "Arn": f"{QUEUE}:work"}
        team = {"aws:ResourceTag/team": "a"}
        self.judge(
            [
                Row(
                    "a queue by its tag",
                    [allow("sqs:ReceiveMessage", f"{QUEUE}:*", StringEquals=team)],
                    "sqs.receive_message",
                    {"QueueUrl": "{queue}"},
                ),
                Row(
                    "another queue",
                    [allow("sqs:GetQueueUrl", f"{QUEUE}:work")],
                    "sqs.get_queue_url",
                    {"QueueName": "other"},
                    f"sqs:GetQueueUrl {QUEUE}:other",
                ),
                Row(
                    "a batch is the same right",
                    [allow("sqs:SendMessage", f"{QUEUE}:work")],
                    "sqs.send_message_batch",
                    {"QueueUrl": "{queue}", "Entries": [{"Id": "a", "MessageBody": "x"}]},
                ),
                Row(
                    "a rule on the default bus",
                    [allow("events:PutRule", f"{RULE}/mine")],
                    "events.put_rule",
                    {"Name": "mine", "ScheduleExpression": "rate(1 day)"},
                ),
                Row(
                    "what a rule listens to",
                    [allow("events:PutRule", "*", StringEquals={"events:source": "aws.ec2"})],
                    "events.put_rule",
                    {"Name": "mine", "EventPattern": json.dumps({"source": ["aws.s3"]})},
                    f"events:PutRule {RULE}/mine",
                ),
                Row(
                    "where a rule sends to",
                    [allow("events:PutTargets", "*", ArnEquals={"events:TargetArn": f"{QUEUE}:other"})],
                    "events.put_targets",
                    {"Rule": "mine", "Targets": [target]},
                    f"events:PutTargets {RULE}/mine",
                ),
                Row(
                    "the role of a target",
                    [allow("events:PutTargets")],
                    "events.put_targets",
                    {"Rule": "mine", "Targets": [{**target, "RoleArn": role}]},
                    f"iam:PassRole {role}",
                ),
                Row(
                    "each event by its own bus",
                    [allow("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")],
                    "events.put_events",
                    {
                        "Entries": [
                            {"Source": "a", "DetailType": "b", "Detail": "{}"},
                            {"Source": "a", "DetailType": "b", "Detail": "{}", "EventBusName": "second"},
                        ]
                    },
                    f"events:PutEvents arn:aws:events:{REGION}:{ACCOUNT}:event-bus/second",
                ),
                Row(
                    "a log group with what is in it",
                    [allow("logs:PutRetentionPolicy", f"{LOGS}:/aws/lambda/it:*")],
                    "logs.put_retention_policy",
                    {"logGroupName": "/aws/lambda/it", "retentionInDays": 1},
                ),
                Row(
                    "a log group without",
                    [allow("logs:PutRetentionPolicy", f"{LOGS}:/aws/lambda/it")],
                    "logs.put_retention_policy",
                    {"logGroupName": "/aws/lambda/it", "retentionInDays": 1},
                    f"logs:PutRetentionPolicy {LOGS}:/aws/lambda/it:log-stream:",
                ),
                Row(
                    "a stream",
                    [allow("logs:CreateLogStream", f"{LOGS}:/aws/lambda/it:log-stream:own")],
                    "logs.create_log_stream",
                    {"logGroupName": "/aws/lambda/it", "logStreamName": "other"},
                    f"logs:CreateLogStream {LOGS}:/aws/lambda/it:log-stream:other",
                ),
                Row(
                    "the role of a subscription",
                    [allow("logs:PutSubscriptionFilter")],
                    "logs.put_subscription_filter",
                    {
                        "logGroupName": "/aws/lambda/it",
                        "filterName": "f",
                        "filterPattern": "",
                        "destinationArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s",
                        "roleArn": role,
                    },
                    f"iam:PassRole {role}",
                ),
                Row(
                    "a public parameter has no account",
                    [allow("ssm:GetParameter", f"arn:aws:ssm:{REGION}::parameter/aws/service/*")],
                    "ssm.get_parameter",
                    {"Name": f"{AMI}/recommended/image_id"},
                ),
                Row(
                    "one's own has one",
                    [allow("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ours/*")],
                    "ssm.get_parameters",
                    {"Names": ["/ours/a", "/theirs/b"]},
                    f"ssm:GetParameters arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/theirs/b",
                ),
                Row(
                    "a key by its alias",
                    [allow("kms:Encrypt", "*", StringEquals={"kms:RequestAlias": "alias/ours"})],
                    "kms.encrypt",
                    {"KeyId": "alias/ours", "Plaintext": b"x"},
                ),
                Row(
                    "is judged as the key",
                    [allow("kms:Encrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/ours")],
                    "kms.encrypt",
                    {"KeyId": "alias/ours", "Plaintext": b"x"},
                    "kms:Encrypt {key}",
                ),
                Row(
                    "what is encrypted for",
                    [allow("kms:Encrypt", "*", StringEquals={"kms:EncryptionContext:app": "a"})],
                    "kms.encrypt",
                    {"KeyId": "{key_id}", "Plaintext": b"x", "EncryptionContext": {"app": "b"}},
                    "kms:Encrypt {key}",
                ),
                Row(
                    "an alias and its key",
                    [allow("kms:CreateAlias", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/*")],
                    "kms.create_alias",
                    {"AliasName": "alias/more", "TargetKeyId": "{key_id}"},
                    "kms:CreateAlias {key}",
                ),
                Row(
                    "a denial of plain HTTP does not touch HTTPS",
                    [allow("sqs:ListQueues"), deny("sqs:*", "*", Bool={"aws:SecureTransport": "false"})],
                    "sqs.list_queues",
                    {},
                ),
                Row(
                    "a direct call is not through a service",
                    [allow("sqs:ListQueues", "*", Bool={"aws:ViaAWSService": "false"})],
                    "sqs.list_queues",
                    {},
                ),
            ]
        )

    def test_replication_hands_over_a_role(self) -> None:
        s3 = self.world.aws.client("s3")
        for bucket in ("source", "target"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        role = f"{IAM}:role/apps/free"
        rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::target"}}
        asked = {"Bucket": "source", "ReplicationConfiguration": {"Role": role, "Rules": [rule]}}
        put = allow("s3:PutReplicationConfiguration", "arn:aws:s3:::source")
        hand = allow("iam:PassRole", role, StringEquals={"iam:PassedToService": "s3.amazonaws.com"})
        self.judge(
            [
                Row("without", [put], "s3.put_bucket_replication", asked, f"iam:PassRole {role}"),
                Row("with", [put, hand], "s3.put_bucket_replication", asked),
            ]
        )


class EndpointsAndCatalogs(Table):
    def test_web_acls(self) -> None:
        waf = self.world.aws.client("wafv2")
        tagged = tags(app="a")
        sees = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
        new = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": sees}
        made = waf.create_web_acl(Name="guard", Tags=tagged, **new)["Summary"]
        other = waf.create_web_acl(Name="other", **new)["Summary"]
        addresses = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": []}
        ips = waf.create_ip_set(Name="ips", Tags=tagged, **addresses)["Summary"]
        balancer = self.world.ids["balancer"].replace("/net/", "/app/")
        refers = {
            "Name": "r",
            "Priority": 1,
            "Statement": {"AndStatement": {"Statements": [{"IPSetReferenceStatement": {"ARN": ips["ARN"]}}]}},
            "VisibilityConfig": sees,
        }
        managed = {
            "Name": "m",
            "Priority": 2,
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}},
            "OverrideAction": {"None": {}},
            "VisibilityConfig": sees,
        }
        groups = f"{WAF}/managedruleset/*/*"
        mine = {"StringEquals": {"aws:ResourceTag/app": "a"}}
        asked = {"aws:RequestTag/app": "a"}
        update = {**new, "Name": "guard", "Id": made["Id"], "LockToken": made["LockToken"]}
        pair = {"WebACLArn": made["ARN"], "ResourceArn": balancer}
        on_balancer = ["elasticloadbalancing:SetWebAcl", "elasticloadbalancing:CreateWebACLAssociation"]
        self.judge(
            [
                Row(
                    "a new one is tagged by another right",
                    [allow("wafv2:CreateWebACL", f"{WAF}/webacl/new/*", StringEquals=asked)],
                    "wafv2.create_web_acl",
                    {**new, "Name": "new", "Tags": tagged},
                    f"wafv2:TagResource {WAF}/webacl/new/*",
                ),
                Row(
                    "and both are enough",
                    [allow(["wafv2:CreateWebACL", "wafv2:TagResource"], f"{WAF}/webacl/new/*", StringEquals=asked)],
                    "wafv2.create_web_acl",
                    {**new, "Name": "new", "Tags": tagged},
                ),
                Row(
                    "one without tags",
                    [allow("wafv2:CreateIPSet", "*", StringEquals=asked)],
                    "wafv2.create_ip_set",
                    {**addresses, "Name": "new"},
                    f"wafv2:CreateIPSet {WAF}/ipset/new/*",
                ),
                Row(
                    "by the tag that it has",
                    [allow("wafv2:GetWebACL", "*", **mine)],
                    "wafv2.get_web_acl",
                    {"Scope": "REGIONAL", "Name": "guard", "Id": made["Id"]},
                ),
                Row(
                    "one that has none",
                    [allow("wafv2:DeleteWebACL", "*", **mine)],
                    "wafv2.delete_web_acl",
                    {"Scope": "REGIONAL", "Name": "other", "Id": other["Id"], "LockToken": other["LockToken"]},
                    f"wafv2:DeleteWebACL {other['ARN']}",
                ),
                Row(
                    "what a rule refers to, also inside of another",
                    [allow("wafv2:UpdateWebACL", f"{WAF}/webacl/*")],
                    "wafv2.update_web_acl",
                    {**update, "Rules": [refers]},
                    f"wafv2:UpdateWebACL {ips['ARN']}",
                ),
                Row(
                    "managed rule groups have no tags",
                    [allow("wafv2:UpdateWebACL", "*", **mine)],
                    "wafv2.update_web_acl",
                    {**update, "Rules": [refers, managed]},
                    f"wafv2:UpdateWebACL {groups}",
                ),
                Row(
                    "a load balancer's is asked for on both",
                    [allow("wafv2:AssociateWebACL", made["ARN"])],
                    "wafv2.associate_web_acl",
                    pair,
                    f"wafv2:AssociateWebACL {balancer}",
                ),
                Row(
                    "and of Elastic Load Balancing",
                    [allow("wafv2:AssociateWebACL", [made["ARN"], balancer])],
                    "wafv2.associate_web_acl",
                    pair,
                    f"elasticloadbalancing:SetWebAcl {balancer}",
                ),
                Row(
                    "all of it",
                    [
                        allow("wafv2:AssociateWebACL", made["ARN"]),
                        allow(["wafv2:AssociateWebACL", *on_balancer], balancer),
                    ],
                    "wafv2.associate_web_acl",
                    pair,
                ),
                Row(
                    "to look at it",
                    [
                        allow("wafv2:GetWebACLForResource", balancer),
                        allow("elasticloadbalancing:GetLoadBalancerWebACL"),
                    ],
                    "wafv2.get_web_acl_for_resource",
                    {"ResourceArn": balancer},
                    f"wafv2:GetWebACLForResource {made['ARN']}",
                ),
            ]
        )

    def test_tables_are_judged_with_what_they_are_in(self) -> None:
        catalog, database, table = f"{GLUE}:catalog", f"{GLUE}:database/sales", f"{GLUE}:table/sales/orders"
        get = {"DatabaseName": "sales", "Name": "orders"}
        self.judge(
            [
                Row("all three", [allow("glue:GetTable", [catalog, database, table])], "glue.get_table", get),
                Row(
                    "no database",
                    [allow("glue:GetTable", [catalog, table])],
                    "glue.get_table",
                    get,
                    f"glue:GetTable {database}",
                ),
                Row(
                    "another table",
                    [allow("glue:GetTable", [catalog, database, f"{GLUE}:table/sales/others"])],
                    "glue.get_table",
                    get,
                    f"glue:GetTable {table}",
                ),
                Row(
                    "a new one",
                    [allow("glue:CreateTable", [catalog, database])],
                    "glue.create_table",
                    {"DatabaseName": "sales", "TableInput": {"Name": "orders"}},
                    f"glue:CreateTable {table}",
                ),
                Row(
                    "partitions",
                    [allow("glue:GetPartitions", [catalog, database])],
                    "glue.get_partitions",
                    {"DatabaseName": "sales", "TableName": "orders"},
                    f"glue:GetPartitions {table}",
                ),
                Row(
                    "another account's catalog",
                    [allow("glue:GetDatabase", [catalog, database])],
                    "glue.get_database",
                    {"Name": "sales", "CatalogId": "111122223333"},
                    f"glue:GetDatabase arn:aws:glue:{REGION}:111122223333:catalog",
                ),
            ]
        )


class TrustOfServices(Table):
    def test_conditions_of_a_trust_policy_see_the_service_s_resource(self) -> None:
        aws = self.world.aws
        aws.publish("trust", "function.zip", {"bootstrap": "#!/bin/sh\n"})
        iam, functions = aws.client("iam"), aws.client("lambda")
        cases = {
            "account": ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
            "another-account": ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, False),
            "function": ({"ArnEquals": {"aws:SourceArn": f"{FUNCTION}:function"}}, True),
            "another-function": ({"ArnLike": {"aws:SourceArn": f"{FUNCTION}:other-*"}}, False),
            "no-key-of-a-service": ({"StringEquals": {"sts:ExternalId": "x"}}, False),
        }
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        for name, (condition, trusted) in cases.items():
            document = json.dumps(parts.document([{**trust, "Condition": condition}]))
            role = iam.create_role(RoleName=f"trusting-{name}", AssumeRolePolicyDocument=document)["Role"]["Arn"]
            asked = {
                "FunctionName": name,
                "Role": role,
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Code": {"S3Bucket": "trust", "S3Key": "function.zip"},
            }
            with self.subTest(name):
                if trusted:
                    functions.create_function(**asked)
                    continue
                with self.assertRaisesRegex(ClientError, "cannot be assumed by Lambda"):
                    functions.create_function(**asked)


# A function that hands out its credentials.
TELLS_ITS_CREDENTIALS = """#!/usr/bin/env python3
import json, os, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
names = {"AccessKeyId": "ACCESS_KEY_ID", "SecretAccessKey": "SECRET_ACCESS_KEY", "SessionToken": "SESSION_TOKEN"}
while True:
    with urllib.request.urlopen(api + "next") as got:
        request_id = got.headers["Lambda-Runtime-Aws-Request-Id"]
    told = json.dumps({name: os.environ["AWS_" + variable] for name, variable in names.items()}).encode()
    urllib.request.urlopen(urllib.request.Request(api + request_id + "/response", told)).close()
"""


class CodeOfFunctions(Table):
    def test_a_policy_can_tell_a_function_s_code_from_the_service(self) -> None:
        aws = self.world.aws
        aws.publish("code", "tells.zip", {"bootstrap": TELLS_ITS_CREDENTIALS})
        both = parts.document(
            [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
                {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "sts:AssumeRole"},
            ]
        )
        iam, functions = aws.client("iam"), aws.client("lambda")
        role = iam.create_role(RoleName="of-code", AssumeRolePolicyDocument=json.dumps(both))["Role"]["Arn"]
        statements = [
            allow(["ec2:DescribeSubnets", "ec2:DescribeVpcs"]),
            deny("ec2:DescribeSubnets", "*", ArnLike={"lambda:SourceFunctionArn": f"{FUNCTION}:*"}),
            deny("ec2:DescribeVpcs", "*", ArnLike={"lambda:SourceFunctionArn": f"{FUNCTION}:another"}),
        ]
        document = json.dumps(parts.document(statements))
        iam.put_role_policy(RoleName="of-code", PolicyName="own", PolicyDocument=document)
        functions.create_function(
            FunctionName="tells",
            Role=role,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Code={"S3Bucket": "code", "S3Key": "tells.zip"},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="tells", WaiterConfig={"Delay": 1})
        from_code = aws.client("ec2", json.load(functions.invoke(FunctionName="tells")["Payload"]))
        from_code.describe_vpcs()
        with self.assertRaisesRegex(ClientError, "ec2:DescribeSubnets with an explicit deny"):
            from_code.describe_subnets()
        session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
        aws.client("ec2", session).describe_subnets()


if __name__ == "__main__":
    unittest.main()
