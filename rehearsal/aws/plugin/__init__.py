"""The rehearsal's plug-in for MiniStack: what it lacks, and where it is milder than AWS."""

from . import (
    addresses,
    api,
    buckets,
    calls,
    clusters,
    custom_resources,
    deletes,
    eks,
    function_resource,
    functions,
    half_made,
    iam,
    lifetime,
    order,
    resources,
    security_group_rules,
    web_identity,
)
from .settings import Settings


def install(settings: Settings) -> None:
    """Change the imported MiniStack, in the order in which the changes wrap each other."""
    api.install(settings)
    calls.install(settings.state)
    resources.install()
    addresses.install()
    security_group_rules.install()
    iam.install()
    eks.install()
    clusters.install(settings)
    web_identity.install()
    buckets.install()
    functions.install()
    function_resource.install()
    half_made.install()
    custom_resources.install()
    deletes.install()
    order.install(settings.order)


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    lifetime.serve(settings.stop_on_eof)
