"""EKS's tags: MiniStack shows a change only in ListTagsForResource, and takes one of several keys away.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UntagResource.html
"""

import urllib.parse

from ministack.services import eks

_PATH = "/tags/"

_handle = eks._handle_request_sync
_tag = eks._tag_resource


def install() -> None:
    """Wrap the actions."""
    global _handle, _tag
    _handle, _tag = eks._handle_request_sync, eks._tag_resource
    eks._handle_request_sync = _route
    eks._tag_resource = _tag_resource


def _route(method: str, path: str, headers: dict, body_bytes: bytes, query: dict) -> tuple:
    if method == "DELETE" and path.startswith(_PATH):
        keys = query.get("tagKeys") or []
        keys = [keys] if isinstance(keys, str) else keys
        return _untag_resource(urllib.parse.unquote(path.removeprefix(_PATH)), keys)
    return _handle(method, path, headers, body_bytes, query)


def _tag_resource(arn: str, body: dict) -> tuple:
    answer = _tag(arn, body)
    _show(arn)
    return answer


def _untag_resource(arn: str, keys: list[str]) -> tuple:
    answer = eks._untag_resource(arn, {"tagKeys": keys})
    _show(arn)
    return answer


def _show(arn: str) -> None:
    """Show the resource's tags in its own description too."""
    for records, key in (
        (eks._clusters, "arn"),
        (eks._nodegroups, "nodegroupArn"),
        (eks._addons, "addonArn"),
        (eks._access_entries, "accessEntryArn"),
        (eks._pod_identity_associations, "associationArn"),
    ):
        for record in records.values():
            if record.get(key) == arn:
                record["tags"] = dict(eks._tags.get(arn, {}))
