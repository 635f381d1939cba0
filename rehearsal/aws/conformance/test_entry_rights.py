"""IAM's judgement of what the function behind Custom::AWSAuth asks of EKS."""

from account import ACCOUNT, REGION, Conformance, caller, client, cluster, parts, session
from claims import claim
from test_identity import statement

_REFERENCE = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html"
)
_VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


class EntryRights(Conformance):
    area = "Authorization of access entries"

    def denied(self, action: str) -> object:
        return self.refused("AccessDeniedException", f"is not authorized to perform: {action}")

    def allowed(self, *statements: dict) -> object:
        return client("eks", session(caller(p=parts.document(list(statements)))))

    def entry(self, mark: str) -> dict[str, str]:
        entry = {"clusterName": cluster()["name"], "principalArn": caller()}
        client("eks").create_access_entry(**entry, tags={"mark": mark})
        return entry

    def entries(self) -> str:
        return f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{cluster()['name']}/*"

    @claim(
        "What is done to an access entry is judged on its ARN, and by its tags.",
        _REFERENCE,
        "eks:DescribeAccessEntry",
        "eks:ListAssociatedAccessPolicies",
        "eks:UpdateAccessEntry",
        "eks:AssociateAccessPolicy",
        "eks:DisassociateAccessPolicy",
        "eks:DeleteAccessEntry",
    )
    def test_marked_entries(self) -> None:
        ours, theirs = self.entry("us"), self.entry("them")
        view = {"policyArn": _VIEW}
        calls = {
            "DescribeAccessEntry": lambda eks, e: eks.describe_access_entry(**e),
            "ListAssociatedAccessPolicies": lambda eks, e: eks.list_associated_access_policies(**e),
            "UpdateAccessEntry": lambda eks, e: eks.update_access_entry(**e, username="me"),
            "AssociateAccessPolicy": lambda eks, e: eks.associate_access_policy(
                **e, **view, accessScope={"type": "cluster"}
            ),
            "DisassociateAccessPolicy": lambda eks, e: eks.disassociate_access_policy(**e, **view),
            "DeleteAccessEntry": lambda eks, e: eks.delete_access_entry(**e),
        }
        actions = [f"eks:{name}" for name in calls]
        eks = self.allowed(statement(actions, self.entries(), StringEquals={"aws:ResourceTag/mark": "us"}))
        for name, call in calls.items():
            with self.subTest(name), self.denied(f"eks:{name}"):
                call(eks, theirs)
            call(eks, ours)

    @claim("eks:policyArn tells which access policy is associated.", _REFERENCE, "eks:AssociateAccessPolicy")
    def test_policy(self) -> None:
        entry, scope = self.entry("us"), {"accessScope": {"type": "cluster"}}
        eks = self.allowed(
            statement("eks:AssociateAccessPolicy", self.entries(), ArnEquals={"eks:policyArn": _VIEW}),
        )
        with self.denied("eks:AssociateAccessPolicy"):
            eks.associate_access_policy(**entry, policyArn=_ADMIN, **scope)
        eks.associate_access_policy(**entry, policyArn=_VIEW, **scope)

    @claim(
        "An entry is made on the cluster's ARN, for the principals of eks:principalArn; its tags need eks:TagResource.",
        _REFERENCE,
        "eks:CreateAccessEntry",
        "eks:TagResource",
    )
    def test_making(self) -> None:
        name, known, other = cluster()["name"], caller(), caller()
        on = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"
        make = statement("eks:CreateAccessEntry", on, ArnEquals={"eks:principalArn": known})
        eks = self.allowed(make)
        with self.denied("eks:CreateAccessEntry"):
            eks.create_access_entry(clusterName=name, principalArn=other)
        with self.denied("eks:TagResource"):
            eks.create_access_entry(clusterName=name, principalArn=known, tags={"mark": "us"})
        tag = statement("eks:TagResource", self.entries(), StringEquals={"aws:RequestTag/mark": "us"})
        self.allowed(make, tag).create_access_entry(clusterName=name, principalArn=known, tags={"mark": "us"})

    @claim("eks:DescribeUpdate is judged on the cluster's ARN.", _REFERENCE, "eks:DescribeUpdate")
    def test_updates(self) -> None:
        name, asked = cluster()["name"], {"updateId": "00000000-0000-0000-0000-000000000000"}
        eks = self.allowed(statement("eks:DescribeUpdate", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"))
        with self.refused("ResourceNotFoundException"):
            eks.describe_update(name=name, **asked)
        with self.denied("eks:DescribeUpdate"):
            eks.describe_update(name="other", **asked)
