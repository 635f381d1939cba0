"""IAM's OIDC providers: the actions on tags, audiences and thumbprints that MiniStack lacks, and what IAM refuses.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html and its neighbours
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import re
from collections.abc import Callable, Iterable

from ministack.core.responses import get_region
from ministack.services import eks, iam

from . import resources
from .api import api
from .resources import Properties, tag_list

# Without a list IAM fetches the thumbprint of the issuer's authority; nothing here is fetched.
_FETCHED_THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"

_MOST_TAGS = 50
_MOST_AUDIENCES = 100
_LONGEST_AUDIENCE = 255
_MOST_PROVIDERS = 100  # the quota's default
_KEY = re.compile(r"[\w\s.:/=+\-@]{1,128}")
_VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")

Handler = Callable[[dict], tuple]


def install() -> None:
    """Add the actions and AWS::IAM::OIDCProvider; give clusters issuers with EKS's names."""
    eks._ministack_issuer_base = _issuer_base
    iam._IAM_HANDLERS["CreateOpenIDConnectProvider"] = _checked(iam._IAM_HANDLERS["CreateOpenIDConnectProvider"])
    for action, change in _CHANGES.items():
        iam._IAM_HANDLERS[action] = _changing(action, change)
    iam._IAM_HANDLERS["ListOpenIDConnectProviderTags"] = _list_tags
    resources.add(
        "AWS::IAM::OIDCProvider",
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=("Url",),
        tags="list",
    )


def _issuer_base() -> str:
    """https://oidc.eks.REGION.amazonaws.com, as of a cluster on AWS: policies name providers by it.

    Nothing answers there; web_identity judges tokens by the cluster itself.
    """
    suffix = "amazonaws.com.cn" if get_region().startswith("cn-") else "amazonaws.com"
    return f"https://oidc.eks.{get_region()}.{suffix}"


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.answer = iam._error(status, code, message, ns="iam")
        super().__init__(message)


def _members(params: dict, name: str) -> list[str]:
    found = []
    while value := iam._p(params, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


def _checked(answer: Handler) -> Handler:
    def create(params: dict) -> tuple:
        url = iam._p(params, "Url")
        try:
            if not url.startswith("https://"):
                raise _RefusedError(400, "InvalidInput", "Invalid Open ID Connect Provider URL")
            if _key(url) in iam._oidc_providers:
                raise _RefusedError(409, "EntityAlreadyExists", f"Provider with url {url} already exists.")
            if len(iam._oidc_providers) >= _MOST_PROVIDERS:
                raise _RefusedError(
                    409, "LimitExceeded", f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {_MOST_PROVIDERS}"
                )
            _check_audiences(_members(params, "ClientIDList"))
            _check_tags(iam._extract_tags(params), [])
        except _RefusedError as refused:
            return refused.answer
        if not _members(params, "ThumbprintList"):
            params = {**params, "ThumbprintList.member.1": [_FETCHED_THUMBPRINT]}
        return answer(params)

    return create


def _key(url: str) -> str:
    return f"arn:aws:iam::{iam.get_account_id()}:oidc-provider/{url.removeprefix('https://').rstrip('/')}"


def _check_audiences(audiences: list[str]) -> None:
    if len(audiences) > _MOST_AUDIENCES:
        text = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_AUDIENCES}"
        raise _RefusedError(409, "LimitExceeded", text)
    if any(len(one) > _LONGEST_AUDIENCE for one in audiences):
        text = f"Member must have length less than or equal to {_LONGEST_AUDIENCE}"
        raise _RefusedError(400, "ValidationError", text)


def _check_tags(new: list[dict], there: Iterable[dict]) -> None:
    keys = [tag["Key"] for tag in new]
    if len(set(keys)) < len(keys):
        text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise _RefusedError(400, "InvalidInput", text)
    for tag in new:
        if not _KEY.fullmatch(tag["Key"]) or not _VALUE.fullmatch(tag["Value"]):
            text = f"1 validation error detected: the tag {tag['Key']} is not valid"
            raise _RefusedError(400, "ValidationError", text)
        if tag["Key"].lower().startswith("aws:"):
            raise _RefusedError(400, "InvalidInput", "Tag keys beginning with aws: are reserved for system use")
    if len({*keys, *(tag["Key"] for tag in there)}) > _MOST_TAGS:
        raise _RefusedError(
            409, "LimitExceeded", f"The number of tags has reached the maximum limit of {_MOST_TAGS} for this resource"
        )


def _provider(params: dict) -> dict:
    arn = iam._p(params, "OpenIDConnectProviderArn")
    if arn not in iam._oidc_providers:
        raise _RefusedError(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return iam._oidc_providers[arn]


def _changing(action: str, change: Callable[[dict, dict], None]) -> Handler:
    def handle(params: dict) -> tuple:
        try:
            change(_provider(params), params)
        except _RefusedError as refused:
            return refused.answer
        return iam._xml(200, f"{action}Response", "", ns="iam")

    return handle


def _tag(provider: dict, params: dict) -> None:
    new, there = iam._extract_tags(params), provider.get("Tags", [])
    _check_tags(new, there)
    replaced = {tag["Key"] for tag in new}
    provider["Tags"] = [tag for tag in there if tag["Key"] not in replaced] + new


def _untag(provider: dict, params: dict) -> None:
    gone = iam._extract_tag_keys(params)
    provider["Tags"] = [tag for tag in provider.get("Tags", []) if tag["Key"] not in gone]


def _add_audience(provider: dict, params: dict) -> None:
    audience = iam._p(params, "ClientID")
    if audience not in provider["ClientIDList"]:
        _check_audiences([*provider["ClientIDList"], audience])
        provider["ClientIDList"].append(audience)


def _remove_audience(provider: dict, params: dict) -> None:
    audience = iam._p(params, "ClientID")
    provider["ClientIDList"] = [one for one in provider["ClientIDList"] if one != audience]


def _set_thumbprints(provider: dict, params: dict) -> None:
    provider["ThumbprintList"] = _members(params, "ThumbprintList")


_CHANGES: dict[str, Callable[[dict, dict], None]] = {
    "AddClientIDToOpenIDConnectProvider": _add_audience,
    "RemoveClientIDFromOpenIDConnectProvider": _remove_audience,
    "TagOpenIDConnectProvider": _tag,
    "UntagOpenIDConnectProvider": _untag,
    "UpdateOpenIDConnectProviderThumbprint": _set_thumbprints,
}


def _list_tags(params: dict) -> tuple:
    try:
        tags = _provider(params).get("Tags", [])
    except _RefusedError as refused:
        return refused.answer
    members = "".join(f"<member><Key>{t['Key']}</Key><Value>{t['Value']}</Value></member>" for t in tags)
    result = f"<Tags>{members}</Tags><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "ListOpenIDConnectProviderTagsResponse",
        f"<ListOpenIDConnectProviderTagsResult>{result}</ListOpenIDConnectProviderTagsResult>",
        ns="iam",
    )


# --- CloudFormation


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    chosen = {"ThumbprintList": properties["ThumbprintList"]} if properties.get("ThumbprintList") else {}
    tags = tag_list(properties)
    answer = api("iam").create_open_id_connect_provider(
        Url=properties["Url"],
        ClientIDList=properties.get("ClientIdList") or [],
        Tags=[tag for tag in tags if not tag["Key"].startswith("aws:")],
        **chosen,
    )
    arn = answer["OpenIDConnectProviderArn"]
    iam._oidc_providers[arn]["Tags"] = tags
    return arn, {"Arn": arn}


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    iam._oidc_providers[physical_id] |= {
        "ClientIDList": list(new.get("ClientIdList") or []),
        "ThumbprintList": new.get("ThumbprintList") or [_FETCHED_THUMBPRINT],
        "Tags": tag_list(new),
    }
    return physical_id, {"Arn": physical_id}


def _delete(physical_id: str, properties: Properties) -> None:
    api("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=physical_id)
