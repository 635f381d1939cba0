"""AssumeRoleWithWebIdentity with service account tokens (IRSA).

MiniStack checks the role's trust policy, but neither the token's signature nor that the account has the provider.
"""

import base64
import json
import ssl
import urllib.request
from typing import Any

from ministack.services import eks, iam, sts

from . import clusters

_AUDIENCE = "sts.amazonaws.com"
_REVIEW_SECONDS = 5.0

_principal = sts._web_identity_principal
_trust_denied = sts._web_identity_trust_denied


def install() -> None:
    """Let the API server of the token's own cluster judge the token."""
    sts._web_identity_principal = _principal_of_kubernetes
    sts._web_identity_trust_denied = _denied


def _principal_of_kubernetes(token: str, provider_id: str, role_arn: str) -> tuple:
    """Kubernetes writes the audience as a list of one; a trust policy compares it with a text."""
    principal, keys = _principal(token, provider_id, role_arn)
    single = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in keys.items()}
    return principal, single


def _denied(role_arn: str, params: dict, use_json: bool) -> Any:
    try:
        why = refusal(sts._p(params, "WebIdentityToken"))
    except (ValueError, KeyError, IndexError, OSError) as problem:
        why = f"The ID Token provided is not a valid JWT. ({problem})"
    if why:
        return sts._error(400, "InvalidIdentityToken", why, ns="sts")
    return _trust_denied(role_arn, params, use_json)


def refusal(token: str) -> str:
    """Return why the token is refused, or an empty text.

    This runs on MiniStack's event loop: it asks the cluster, never MiniStack itself.
    """
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    issuer = claims.get("iss", "")
    unknown = f"No OpenIDConnect provider found in your account for {issuer}"
    for (account, _, name), local in list(clusters.running.items()):
        record = next((c for (owner, _, n), c in eks._clusters.all_items() if (owner, n) == (account, name)), None)
        if not record or record["identity"]["oidc"]["issuer"] != issuer:
            continue
        provider = f"arn:aws:iam::{account}:oidc-provider/{issuer.split('://', 1)[1]}"
        if not iam._oidc_providers.get_scoped(account, None, provider):
            return unknown
        if _authenticated(token, record["endpoint"], local):
            return ""
        return (
            "Couldn't retrieve verification key from your identity provider, or the token's signature or time is wrong"
        )
    return unknown


def _authenticated(token: str, endpoint: str, local: clusters.LocalKube) -> bool:
    context = ssl.create_default_context(cafile=str(local.directory / "ca.crt"))
    context.load_cert_chain(local.directory / "admin.crt", local.directory / "admin.key")
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": [_AUDIENCE]},
    }
    request = urllib.request.Request(
        f"{endpoint}/apis/authentication.k8s.io/v1/tokenreviews",
        json.dumps(review).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, context=context, timeout=_REVIEW_SECONDS) as answer:
        return bool(json.load(answer)["status"].get("authenticated"))
