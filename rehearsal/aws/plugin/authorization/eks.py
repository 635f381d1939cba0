"""EKS: clusters and what belongs to them; the ARNs of most end in an id that EKS draws.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
"""

from typing import Any

from . import reference
from .call import Call, Subject, judgement, listed, request_tags, resource_tags, tag_keys, text
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    {
        "eks:accessentrytype",
        "eks:accessscope",
        "eks:authenticationmode",
        "eks:blockstorageenabled",
        "eks:bootstrapclustercreatoradminpermissions",
        "eks:bootstrapselfmanagedaddons",
        "eks:clientid",
        "eks:clustername",
        "eks:computeconfigenabled",
        "eks:elasticloadbalancingenabled",
        "eks:issuerurl",
        "eks:kubernetesgroups",
        "eks:loggingtype/",
        "eks:namespaces",
        "eks:policyarn",
        "eks:principalarn",
        "eks:supporttype",
        "eks:username",
    }
)

# (type, parameter that names it, name of the ARN in its record)
_OF_CLUSTER = (
    ("nodegroup", "nodegroupName", "nodegroupArn"),
    ("addon", "addonName", "addonArn"),
    ("podidentityassociation", "associationId", "associationArn"),
    ("access-entry", "principalArn", "accessEntryArn"),
)


def subjects(call: Call, state: State) -> list[Subject]:
    """The cluster, or that of it which the call names."""
    given = call.parameters
    action = reference.action(call.action)
    types = action.types if action else ()
    if given.get("resourceArn"):
        arn = given["resourceArn"]
        kind = arn.split(":", 5)[-1].partition("/")[0]
        return [Subject(kind, arn, resource_tags(state.tags(arn)))]
    cluster = given.get("clusterName") or given.get("name")
    result = []
    for kind, parameter, arn_name in _OF_CLUSTER:
        if cluster and given.get(parameter) and kind in types:
            result.append(_of_cluster(call, state, kind, cluster, given[parameter], arn_name))
    # The reference has no type for CreateCluster; EKS judges it on the cluster's ARN all the same, and says so.
    if cluster and not result and ("cluster" in types or call.operation == "CreateCluster"):
        result.append(_cluster(call, state, cluster))
    return result


def _cluster(call: Call, state: State, name: str) -> Subject:
    arn = call.arn("cluster", ClusterName=name)
    return Subject("cluster", arn, resource_tags(state.eks("cluster", name).get("tags")))


def _of_cluster(call: Call, state: State, kind: str, cluster: str, name: str, arn_name: str) -> Subject:
    record = state.eks(kind, cluster, name)
    arn = record.get(arn_name) or _unknown(call, kind, cluster, name)
    keys = resource_tags(state.tags(arn) or record.get("tags"))
    if kind == "access-entry" and record:
        keys |= {
            "eks:accessEntryType": record.get("type"),
            "eks:clusterName": cluster,
            "eks:kubernetesGroups": record.get("kubernetesGroups") or None,
            "eks:principalArn": record.get("principalArn"),
            "eks:username": record.get("username"),
        }
    return Subject(kind, arn, keys)


def _unknown(call: Call, kind: str, cluster: str, name: str) -> str:
    """The ARN of what is not there: its id is anything."""
    if kind != "access-entry":
        own = {"nodegroup": {"NodegroupName": name}, "addon": {"AddonName": name}}.get(kind, {"UUID": name})
        return call.arn(kind, ClusterName=cluster, **own)
    identity = name.split(":", 5)[-1]
    return call.arn(
        kind,
        ClusterName=cluster,
        IamIdentityType=identity.partition("/")[0],
        IamIdentityAccountID=name.split(":")[4] if name.count(":") > 4 else "*",
        IamIdentityName=identity.rsplit("/", 1)[-1],
    )


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    access = given.get("accessConfig") or {}
    scope = given.get("accessScope") or {}
    network = given.get("kubernetesNetworkConfig") or {}
    oidc = given.get("oidc") or {}
    creating = call.operation == "CreateCluster"
    found = {
        "eks:accessEntryType": given.get("type") or ("STANDARD" if call.operation == "CreateAccessEntry" else None),
        "eks:accessScope": scope.get("type"),
        "eks:authenticationMode": access.get("authenticationMode"),
        "eks:blockStorageEnabled": text(((given.get("storageConfig") or {}).get("blockStorage") or {}).get("enabled")),
        "eks:bootstrapClusterCreatorAdminPermissions": text(
            access.get("bootstrapClusterCreatorAdminPermissions", True) if creating else None
        ),
        "eks:bootstrapSelfManagedAddons": text(given.get("bootstrapSelfManagedAddons", True) if creating else None),
        "eks:clientId": oidc.get("clientId"),
        "eks:computeConfigEnabled": text((given.get("computeConfig") or {}).get("enabled")),
        "eks:elasticLoadBalancingEnabled": text((network.get("elasticLoadBalancing") or {}).get("enabled")),
        "eks:issuerUrl": oidc.get("issuerUrl"),
        "eks:kubernetesGroups": given.get("kubernetesGroups") or None,
        "eks:namespaces": scope.get("namespaces") or None,
        "eks:policyArn": given.get("policyArn"),
        "eks:principalArn": given.get("principalArn"),
        "eks:supportType": (given.get("upgradePolicy") or {}).get("supportType"),
        "eks:username": given.get("username"),
        **request_tags(given.get("tags")),
        **tag_keys(listed(given.get("tagKeys"))),
    }
    for setup in listed((given.get("logging") or {}).get("clusterLogging")):
        found |= {f"eks:loggingType/{kind}": text(setup.get("enabled")) for kind in listed(setup.get("types"))}
    return found


# What an operation makes: its type, and the parameter that names it.
_MADE = {
    "CreateAccessEntry": ("access-entry", "principalArn"),
    "CreateAddon": ("addon", "addonName"),
    "CreateNodegroup": ("nodegroup", "nodegroupName"),
    "CreatePodIdentityAssociation": ("podidentityassociation", ""),
}


def also(call: Call, state: State) -> list[Judgement]:
    """What is made with tags is tagged: https://github.com/aws/aws-cdk/issues/7163."""
    given = call.parameters
    if not call.operation.startswith("Create") or not given.get("tags"):
        return []
    if call.operation == "CreateCluster":
        made = Subject("cluster", call.arn("cluster", ClusterName=given.get("name", "*")))
    elif call.operation in _MADE:
        kind, parameter = _MADE[call.operation]
        made = Subject(kind, _unknown(call, kind, given.get("clusterName", "*"), given.get(parameter, "*")))
    else:
        return []
    return [judgement("eks:TagResource", made, request_tags(given["tags"]))]
