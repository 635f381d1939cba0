"""The one MiniStack that this plug-in fits: it uses names that MiniStack may change with any version."""

import importlib
import importlib.metadata

PINNED = {"ministack": "1.5.33", "botocore": "1.43.106", "Hypercorn": "0.18.0"}

# Every private name that the plug-in wraps, replaces or reads, by module.
PRIVATE_NAMES = {
    "ministack.core.lambda_runtime": ("_REAP_GRACE", "reset"),
    "ministack.core.tls": ("use_ssl_enabled", "resolve_tls_material"),
    "ministack.core.responses": ("get_account_id", "get_region", "now_iso"),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.cloudformation.changesets": ("_topological_sort",),
    "ministack.services.cloudformation.custom_resource": ("invoke_custom_resource", "deliver_response", "_pending"),
    "ministack.services.cloudformation.engine": ("_topological_sort", "_extract_deps"),
    "ministack.services.cloudformation.provisioners": (
        "_RESOURCE_HANDLERS",
        "_REPLACING_PROPERTIES",
        "_STACK_TAG_PROPERTY",
        "_eks_cluster_attrs",
    ),
    "ministack.services.cloudformation.stacks": (
        "_roll_back_operation",
        "_runs_on_worker_thread",
        "_topological_sort",
    ),
    "ministack.services.ec2": (
        "_addresses",
        "_instances",
        "_internet_gateways",
        "_nat_gateways",
        "_route_tables",
        "_security_groups",
    ),
    "ministack.services.eks": ("_clusters", "_create_cluster", "_delete_cluster", "_nodegroups", "_sanitize"),
    "ministack.services.iam": ("_instance_profiles", "_oidc_providers", "_roles"),
    "ministack.services.lambda_svc": ("_execute_function_with_config_scope", "_functions"),
    "ministack.services.s3": ("_buckets",),
    "ministack.services.sts": ("_error", "_p", "_web_identity_principal", "_web_identity_trust_denied"),
}


class VersionError(Exception):
    """What is installed is not what the plug-in was written for."""


def check() -> None:
    """Raise VersionError, in one line, for another version or a missing name."""
    for package, wanted in PINNED.items():
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found != wanted:
            raise VersionError(f"{package} is {found}, not {wanted}: install requirements.txt")
    missing = [
        f"{module}.{name}"
        for module, names in PRIVATE_NAMES.items()
        for name in names
        if not hasattr(importlib.import_module(module), name)
    ]
    if missing:
        raise VersionError(f"this MiniStack lacks what the plug-in wraps: {', '.join(missing)}")
