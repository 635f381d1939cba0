"""EKS's DescribeClusterVersions, which MiniStack lacks.

https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html
https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html, as it was in spring 2026
"""

import datetime
from dataclasses import dataclass

from ministack.services import eks

_PATH = "/cluster-versions"
_STANDARD, _EXTENDED, _UNSUPPORTED = "STANDARD_SUPPORT", "EXTENDED_SUPPORT", "UNSUPPORTED"
_MOST = 100


@dataclass(frozen=True)
class Version:
    """A Kubernetes version of EKS; dates as YYYY-MM-DD, empty where no page has one yet."""

    name: str
    status: str
    released: str = ""
    end_of_standard: str = ""
    end_of_extended: str = ""


_VERSIONS = (
    Version("1.36", _STANDARD),
    Version("1.35", _STANDARD, "2026-01-27", "2027-03-27", "2028-03-27"),
    Version("1.34", _STANDARD, "2025-10-02", "2026-12-02", "2027-12-02"),
    Version("1.33", _STANDARD, "2025-05-29", "2026-07-29", "2027-07-29"),
    Version("1.32", _EXTENDED, "2025-01-23", "2026-03-23", "2027-03-23"),
    Version("1.31", _EXTENDED, "2024-09-26", "2025-11-26", "2026-11-26"),
    Version("1.30", _EXTENDED, "2024-05-23", "2025-07-23", "2026-07-23"),
    Version("1.29", _UNSUPPORTED, "2024-01-23", "2025-03-23", "2026-03-23"),
    Version("1.28", _UNSUPPORTED, "2023-09-26", "2024-11-26", "2025-11-26"),
)
_DEFAULT = "1.35"

SUPPORTED = tuple(version.name for version in _VERSIONS if version.status != _UNSUPPORTED)

_handle = eks._handle_request_sync


def install() -> None:
    """Answer the action."""
    global _handle
    _handle = eks._handle_request_sync
    eks._handle_request_sync = _route


def _route(method: str, path: str, headers: dict, body_bytes: bytes, query: dict) -> tuple:
    if method == "GET" and path.rstrip("/") == _PATH:
        return _describe({name: value if isinstance(value, list) else [value] for name, value in query.items()})
    return _handle(method, path, headers, body_bytes, query)


def _describe(query: dict[str, list[str]]) -> tuple:
    def one(name: str) -> str:
        return (query.get(name) or [""])[0]

    found = [version for version in _VERSIONS if _asked(version, query, one("includeAll") == "true")]
    if one("defaultOnly") == "true":
        found = [version for version in found if version.name == _DEFAULT]
    if status := one("versionStatus") or one("status").upper().replace("-", "_"):
        found = [version for version in found if version.status == status]
    start, size = int(one("nextToken") or 0), int(one("maxResults") or _MOST)
    if not 1 <= size <= _MOST:
        return eks._error(400, "InvalidParameterException", f"maxResults must be between 1 and {_MOST}")
    answer: dict = {"clusterVersions": [_described(version) for version in found[start : start + size]]}
    if start + size < len(found):
        answer["nextToken"] = str(start + size)
    return eks._json_resp(200, answer)


def _asked(version: Version, query: dict[str, list[str]], every: bool) -> bool:
    """Versions that are over are shown to who asks for all, or for one by its name."""
    if names := query.get("clusterVersions"):
        return version.name in names
    return every or version.status != _UNSUPPORTED


def _described(version: Version) -> dict:
    dates = {
        "releaseDate": version.released,
        "endOfStandardSupportDate": version.end_of_standard,
        "endOfExtendedSupportDate": version.end_of_extended,
    }
    return {
        "clusterVersion": version.name,
        "clusterType": "eks",
        "defaultVersion": version.name == _DEFAULT,
        "status": version.status.lower().replace("_", "-"),
        "versionStatus": version.status,
        **{name: _seconds(date) for name, date in dates.items() if date},
    }


def _seconds(date: str) -> float:
    return datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC).timestamp()
