"""The text of a function's bootstrap: a custom resource that does as its properties say.

Behaviour: "answer" (default), "fail" (FAILED with its id), "fail-without-id", "die", "fail-delete" (Create fails, and
so does Delete), "long" (too much Data), "no-id" (SUCCESS without an id), "other-request", "sleep" (answers after 30 s).
"""

BOOTSTRAP = """#!/usr/bin/env python3
import json, os, ssl, sys, time, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])


def answer(event, status, physical_id, data=None, reason=""):
    body = {k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": status, "Reason": reason, "Data": data or {}}
    if physical_id:
        body["PhysicalResourceId"] = physical_id
    request = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(request, context=context).close()


def handle(event):
    properties, kind = event["ResourceProperties"], event["RequestType"]
    behaviour = properties.get("Behaviour", "answer")
    physical_id = event.get("PhysicalResourceId") or properties.get("Id", "made-by-the-function")
    print(kind, event["LogicalResourceId"], event.get("PhysicalResourceId", "-"), flush=True)
    if behaviour == "other-request":
        event = {**event, "RequestId": "another"}
    if kind == "Delete" and behaviour != "fail-delete":
        return answer(event, "SUCCESS", physical_id)
    if behaviour == "sleep":
        time.sleep(30)
    if behaviour == "die":
        sys.exit(3)
    if behaviour.startswith("fail"):
        return answer(event, "FAILED", "" if behaviour.endswith("without-id") else physical_id, reason="told to fail")
    if behaviour == "long":
        return answer(event, "SUCCESS", physical_id, {"Echo": "x" * 4096})
    if behaviour == "no-id":
        return answer(event, "SUCCESS", "")
    seen = {k: v for k, v in os.environ.items() if not k.startswith("AWS_S")}
    answer(event, "SUCCESS", physical_id, {"Echo": properties.get("Echo", ""), "Environment": json.dumps(sorted(seen))})


while True:
    with urllib.request.urlopen(api + "invocation/next") as got:
        request_id, event = got.headers["Lambda-Runtime-Aws-Request-Id"], json.load(got)
    handle(event)
    urllib.request.urlopen(urllib.request.Request(api + "invocation/" + request_id + "/response", b"{}")).close()
"""
