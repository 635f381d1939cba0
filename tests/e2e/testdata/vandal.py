"""A function behind a custom resource that does to a customer's cluster what no stack may do.

Properties: Cluster; Do: tag, aws-auth or NodePool; On: Create or Delete.
"""

import base64
import json
import os
import ssl
import urllib.request

import botocore.session
from botocore.signers import RequestSigner

REGION = os.environ["AWS_REGION"]
API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
session = botocore.session.get_session()


def client(service):
    endpoint, roots = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_CA_BUNDLE"]
    return session.create_client(service, region_name=REGION, endpoint_url=endpoint, verify=roots)


def token(cluster):
    sts = client("sts")
    signer = RequestSigner(sts.meta.service_model.service_id, REGION, "sts", "v4", session.get_credentials(), sts.meta.events)
    url = f"https://sts.{REGION}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = {"method": "GET", "url": url, "body": {}, "headers": {"x-k8s-aws-id": cluster}, "context": {}}
    signed = signer.generate_presigned_url(request, region_name=REGION, expires_in=60, operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def kubernetes(cluster, path, patch=None):
    record = client("eks").describe_cluster(name=cluster)["cluster"]
    roots = base64.b64decode(record["certificateAuthority"]["data"]).decode()
    headers = {"Authorization": f"Bearer {token(cluster)}", "Content-Type": "application/merge-patch+json"}
    body, method = (json.dumps(patch).encode(), "PATCH") if patch else (None, "GET")
    request = urllib.request.Request(record["endpoint"] + path, body, headers, method=method)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cadata=roots)) as answer:
        return json.load(answer)


def tag(cluster):
    subnets = client("eks").describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]["subnetIds"]
    client("ec2").create_tags(Resources=subnets[:1], Tags=[{"Key": "e6data", "Value": "yes"}])


def aws_auth(cluster):
    text = kubernetes(cluster, AUTH)["data"]["mapRoles"]
    kubernetes(cluster, AUTH, {"data": {"mapRoles": text.replace("# Kept", "#  Kept", 1)}})


def node_pool(cluster):
    kubernetes(cluster, "/apis/karpenter.sh/v1/nodepools/general", {"spec": {"limits": {"cpu": "128"}}})


def handle(event):
    properties = event["ResourceProperties"]
    answer = {k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}
    try:
        if event["RequestType"] == properties["On"]:
            {"tag": tag, "aws-auth": aws_auth, "NodePool": node_pool}[properties["Do"]](properties["Cluster"])
        answer["Status"] = "SUCCESS"
    except Exception as problem:  # a custom resource is always answered
        answer |= {"Status": "FAILED", "Reason": repr(problem)}
    body = json.dumps({"PhysicalResourceId": "vandal", **answer}).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    roots = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    urllib.request.urlopen(request, context=roots).close()


while True:
    with urllib.request.urlopen(f"{API}/next") as invocation:
        request_id, event = invocation.headers["Lambda-Runtime-Aws-Request-Id"], json.load(invocation)
    handle(event)
    urllib.request.urlopen(f"{API}/{request_id}/response", b"{}").close()
