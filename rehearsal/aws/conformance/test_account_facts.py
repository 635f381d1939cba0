"""What is asked of an account before anything is made in it."""

from account import ACCOUNT, Conformance, aws, caller, client, fresh, parts, session
from claims import claim

_QUOTA = "https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html"
_RIGHTS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html"
_VPC_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
_VERSIONS = "https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html"
_DHCP = "https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html"
_ATTRIBUTES = "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"
_EC2_ERRORS = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
_GET = "servicequotas:GetServiceQuota"


class AccountFacts(Conformance):
    area = "Account"

    @claim("An account begins with five VPCs in a region, and can ask for more.", _VPC_QUOTAS, _GET)
    def test_default_quota(self) -> None:
        quotas, vpcs = client("service-quotas"), {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
        self.assertEqual(quotas.get_service_quota(**vpcs)["Quota"]["Value"], 5)
        quotas.request_service_quota_increase(**vpcs, DesiredValue=9)
        self.assertEqual(quotas.get_service_quota(**vpcs)["Quota"]["Value"], 9)

    @claim("A quota that does not exist is NoSuchResourceException.", _QUOTA, _GET)
    def test_no_such_quota(self) -> None:
        with self.refused("NoSuchResourceException"):
            client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode="L-00000000")

    @claim("A policy names quotas by the service and the quota's code.", _RIGHTS, _GET)
    def test_quota_arn(self) -> None:
        own = parts.allow([_GET], f"arn:aws:servicequotas:us-east-1:{ACCOUNT}:ec2/*")
        quotas = client("service-quotas", session(caller(own=own)))
        self.assertEqual(quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")["Quota"]["Value"], 5)
        with self.refused("AccessDeniedException"):
            quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-A4707A72")

    @claim(
        "EKS tells which versions are in standard support, which in extended, and with includeAll also the others.",
        _VERSIONS,
        "eks:DescribeClusterVersions",
    )
    def test_versions(self) -> None:
        def statuses(**asked: bool) -> set[str]:
            return {v["versionStatus"] for v in client("eks").describe_cluster_versions(**asked)["clusterVersions"]}

        self.assertEqual(statuses(), {"STANDARD_SUPPORT", "EXTENDED_SUPPORT"})
        self.assertEqual(statuses(includeAll=True), {"STANDARD_SUPPORT", "EXTENDED_SUPPORT", "UNSUPPORTED"})

    @claim("A VPC begins with DHCP options that name Amazon's DNS server.", _DHCP, "ec2:DescribeDhcpOptions")
    def test_first_dhcp_options(self) -> None:
        ec2 = client("ec2")
        options = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["DhcpOptionsId"]
        found = ec2.describe_dhcp_options(DhcpOptionsIds=[options])["DhcpOptions"][0]["DhcpConfigurations"]
        servers = [c["Values"][0]["Value"] for c in found if c["Key"] == "domain-name-servers"]
        self.assertEqual(servers, ["AmazonProvidedDNS"])

    @claim("A set of DHCP options that does not exist is InvalidDhcpOptionID.NotFound.", _EC2_ERRORS)
    def test_no_such_dhcp_options(self) -> None:
        with self.refused("InvalidDhcpOptionID.NotFound"):
            client("ec2").describe_dhcp_options(DhcpOptionsIds=["dopt-0123456789abcdef0"])

    @claim(
        "A VPC that is made with the API resolves names, and gives no DNS host names until told to.",
        _ATTRIBUTES,
        "ec2:DescribeVpcAttribute",
    )
    def test_dns_attributes(self) -> None:
        ec2 = client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

        def attribute(name: str) -> bool:
            return ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]

        self.assertEqual((attribute("enableDnsSupport"), attribute("enableDnsHostnames")), (True, False))
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.assertTrue(attribute("enableDnsHostnames"))

    @claim(
        "A NAT gateway has its Elastic IP address as its public one.",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGatewayAddress.html",
        "ec2:DescribeNatGateways",
        "ec2:DescribeAddresses",
    )
    def test_nat_addresses(self) -> None:
        ec2, stack = client("ec2"), fresh("nat")
        self.assertEqual(aws().deploy(stack, {"Resources": parts.network(cidr="10.31")}), "CREATE_COMPLETE")
        public = {address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]}
        found = [a["PublicIp"] for g in ec2.describe_nat_gateways()["NatGateways"] for a in g["NatGatewayAddresses"]]
        self.assertTrue(found)
        self.assertLessEqual(set(found), public)
