"""All of the plug-in, put on MiniStack in order. Importing this imports MiniStack, which reads the environment."""

from . import (
    addons,
    addresses,
    answers,
    api,
    authorization,
    bucket_requests,
    buckets,
    caller_rights,
    calls,
    cluster_resource,
    clusters,
    compute,
    conditions,
    custom_resources,
    deletes,
    denials,
    eks,
    eks_requests,
    eks_tags,
    eks_updates,
    endpoints,
    events,
    failed_deletes,
    filters,
    function_limits,
    function_resource,
    functions,
    half_made,
    iam,
    identity_limits,
    intrinsics,
    lifetime,
    load_balancers,
    logs,
    messages,
    nested_stacks,
    network,
    network_blocks,
    network_requests,
    nodegroups,
    oidc_providers,
    order,
    properties,
    refused,
    replacement,
    resources,
    routes,
    security_group_rules,
    service_linked_roles,
    simulation,
    templates,
    updates,
    volumes,
    web_identity,
    zones,
)
from .settings import Settings


def install(settings: Settings) -> None:
    """Change the imported MiniStack, in the order in which the changes wrap each other."""
    api.install(settings)
    calls.install(settings.state)
    authorization.install()
    denials.install()
    resources.install()
    conditions.install()
    intrinsics.install()
    addresses.install()
    security_group_rules.install()
    network.install()
    routes.install()
    endpoints.install()
    network_requests.install()
    network_blocks.install()
    events.install()
    zones.install()
    filters.install()
    iam.install()
    oidc_providers.install()
    identity_limits.install()
    simulation.install()
    eks.install()
    clusters.install(settings)
    compute.install()
    volumes.install()
    service_linked_roles.install()
    load_balancers.install()
    cluster_resource.install()
    nodegroups.install()
    eks_updates.install()
    eks_requests.install()
    eks_tags.install()
    addons.install()
    web_identity.install()
    buckets.install()
    bucket_requests.install()
    functions.install()
    function_limits.install()
    function_resource.install()
    half_made.install()
    custom_resources.install()
    answers.install()
    templates.install()
    nested_stacks.install()
    logs.install()
    messages.install()
    properties.install()
    deletes.install()
    refused.install()
    replacement.install()
    caller_rights.install()
    updates.install()
    failed_deletes.install()
    order.install(settings.order)


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    lifetime.serve(settings.stop_on_eof)
