"""Lambda: functions by their ARNs, with a version or alias where the call names one.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
"""

from typing import Any

from . import reference
from .call import NO_RESOURCE, Call, Subject, judgement, listed, request_tags, resource_tags, tag_keys
from .judgements import Judgement
from .state import State

JUDGED = frozenset(
    {
        "lambda:codesigningconfigarn",
        "lambda:functionarn",
        "lambda:functionurlauthtype",
        "lambda:layer",
        "lambda:principal",
        "lambda:securitygroupids",
        "lambda:sourcefunctionarn",
        "lambda:subnetids",
        "lambda:vpcids",
    }
)

_IN_A_NETWORK = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")


def subjects(call: Call, state: State) -> list[Subject]:
    """The function, layer, or mapping that the call names."""
    given = call.parameters
    types = (reference.action(call.action) or reference.Action("", (), (), {}, frozenset())).types
    if given.get("Resource"):
        return [Subject("function", given["Resource"], resource_tags(state.tags(given["Resource"])))]
    if given.get("UUID") and "eventSourceMapping" in types:
        return [Subject("eventSourceMapping", call.arn("eventSourceMapping", UUID=given["UUID"]))]
    if given.get("LayerName") or given.get("Arn"):
        return [_layer(call, types)]
    # A new mapping is not judged on its function, but has it as a key.
    if given.get("FunctionName") and call.operation != "CreateEventSourceMapping":
        return [Subject("function", function_arn(call), resource_tags(state.tags(_plain(call, given["FunctionName"]))))]
    return []


def function_arn(call: Call) -> str:
    """The function's ARN, with the qualifier that the call or the name itself has."""
    name = str(call.parameters.get("FunctionName", "*"))
    qualifier = call.parameters.get("Qualifier")
    arn = name if name.startswith("arn:") else call.arn("function", FunctionName=name.split(":function:")[-1])
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn


def _plain(call: Call, name: str) -> str:
    bare = name.split("function:")[-1].split(":")[0]
    return call.arn("function", FunctionName=bare)


def _layer(call: Call, types: tuple[str, ...]) -> Subject:
    given = call.parameters
    name = given.get("LayerName") or given["Arn"]
    arn = name if name.startswith("arn:") else call.arn("layer", LayerName=name)
    version = given.get("VersionNumber")
    kind = "layerVersion" if "layerVersion" in types else "layer"
    return Subject(kind, f"{arn}:{version}" if version else arn)


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the request."""
    given = call.parameters
    network = given.get("VpcConfig") or {}
    subnets = listed(network.get("SubnetIds"))
    vpcs = dict.fromkeys(state.ec2("subnet", subnet).get("VpcId") for subnet in subnets)
    found = {
        "lambda:CodeSigningConfigArn": given.get("CodeSigningConfigArn"),
        "lambda:FunctionArn": function_arn(call) if call.operation.endswith("EventSourceMapping") else None,
        "lambda:FunctionUrlAuthType": given.get("FunctionUrlAuthType") or given.get("AuthType"),
        "lambda:Layer": listed(given.get("Layers")) or None,
        "lambda:Principal": given.get("Principal"),
        "lambda:SecurityGroupIds": listed(network.get("SecurityGroupIds")) or None,
        "lambda:SubnetIds": subnets or None,
        "lambda:VpcIds": [vpc for vpc in vpcs if vpc] or None,
        **request_tags(given.get("Tags")),
        **tag_keys(listed(given.get("TagKeys"))),
    }
    return found


def also(call: Call, state: State) -> list[Judgement]:
    """What Lambda does in the caller's name: it tags, reads the code and the layers, and looks at the network."""
    if call.operation not in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
        return []
    given = call.parameters
    result = []
    if given.get("Tags"):
        subject = Subject("function", function_arn(call))
        result.append(judgement("lambda:TagResource", subject, request_tags(given["Tags"])))
    code = {**given, **(given.get("Code") or {})}
    if code.get("S3Bucket"):
        version = code.get("S3ObjectVersion")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        result.append(Judgement(action, f"arn:{call.partition}:s3:::{code['S3Bucket']}/{code.get('S3Key', '*')}"))
    result += [judgement("lambda:GetLayerVersion", Subject("layerVersion", arn)) for arn in listed(given.get("Layers"))]
    if (given.get("VpcConfig") or {}).get("SubnetIds"):
        result += [judgement(action, NO_RESOURCE, {"ec2:Region": call.region}) for action in _IN_A_NETWORK]
    return result
