"""EC2's compute side: instance types, images, launch templates, fleets, and instances that become nodes.

MiniStack has records of these that no program could work with. Here they are answered after EC2's own model, which
botocore carries: requests are read and answers are written by it, so that no member is lost. The records stay in
MiniStack's stores, where its other actions find them.
"""

from . import events, faults, fleets, images, instances, launch_templates, nodes, offers, pricing


def install() -> None:
    """Answer the actions; after this instances live, send their events and become nodes."""
    offers.install()
    pricing.install()
    images.install()
    launch_templates.install()
    instances.install()
    fleets.install()
    faults.install()
    instances.watch(events.of_state)
    instances.watch(nodes.publish)
