"""The function behind the checks' custom resources: it does what its properties say, and logs each event."""

import json

from account import aws, client, eventually, fresh, service_role

# On the event's type, the property OnCreate, OnUpdate or OnDelete is the answer: a JSON text whose members replace
# those of the default answer; "nothing" for no answer at all, and "raise" for a function that fails.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, ssl, urllib.error, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])


def put(event, body):
    request = urllib.request.Request(event["ResponseURL"], body.encode(), method="PUT")
    try:
        urllib.request.urlopen(request, context=context).close()
    except urllib.error.HTTPError as refused:
        print("REFUSED", refused.code, flush=True)


def handle(event):
    print("EVENT " + json.dumps(event), flush=True)
    told = event["ResourceProperties"].get("On" + event["RequestType"], "{}")
    if told == "nothing":
        return
    if told == "raise":
        raise SystemExit(1)
    answer = {k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": event.get("PhysicalResourceId") or "made"}
    told = json.loads(told)
    twice = told.pop("Twice", None)
    answer |= told
    put(event, json.dumps(answer))
    if twice:
        put(event, json.dumps(answer | twice))


while True:
    with urllib.request.urlopen(api + "invocation/next") as got:
        request_id, event = got.headers["Lambda-Runtime-Aws-Request-Id"], json.load(got)
    handle(event)
    urllib.request.urlopen(urllib.request.Request(api + "invocation/" + request_id + "/response", b"{}")).close()
"""

_GROUP = "/conformance/provider"
_made: list[str] = []


def arn() -> str:
    """The function's ARN; it is made at the first use."""
    if not _made:
        aws().publish("conformance-code", "provider.zip", {"bootstrap": BOOTSTRAP})
        client("logs").create_log_group(logGroupName=_GROUP)
        role = service_role("lambda.amazonaws.com", "service-role/AWSLambdaBasicExecutionRole")
        _made.append(
            client("lambda").create_function(
                FunctionName=fresh("provider"),
                Runtime="provided.al2023",
                Handler="bootstrap",
                Role=role,
                Code={"S3Bucket": "conformance-code", "S3Key": "provider.zip"},
                LoggingConfig={"LogGroup": _GROUP},
                Timeout=20,
            )["FunctionArn"]
        )
        eventually(lambda: client("lambda").get_function(FunctionName=_made[0])["Configuration"]["State"] == "Active")
    return _made[0]


def custom(resource_type: str = "Custom::Check", **properties: object) -> dict:
    """A custom resource of the function; OnCreate, OnUpdate and OnDelete may be a dict of the answer's members."""
    told = {k: json.dumps(v) if k.startswith("On") and isinstance(v, dict) else v for k, v in properties.items()}
    return {"Type": resource_type, "Properties": {"ServiceToken": arn(), **told}}


def events(stack: str) -> list[dict]:
    """The events that the function got for a stack (also a deleted one), oldest first."""
    found = []
    for line in lines():
        if line.startswith("EVENT "):
            event = json.loads(line.removeprefix("EVENT "))
            if f":stack/{stack}/" in event["StackId"]:
                found.append(event)
    return found


def lines() -> list[str]:
    """All that the function wrote."""
    return [e["message"].strip() for e in client("logs").filter_log_events(logGroupName=_GROUP)["events"]]
