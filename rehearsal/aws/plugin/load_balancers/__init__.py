"""Elastic Load Balancing v2 as strict as AWS, and with its marks on EC2.

MiniStack keeps records of load balancers that nothing else in the account knows of. Here a load balancer has network
interfaces in its subnets, so that a subnet or a security group in use cannot be deleted; target groups know who uses
them; and requests are read and answered by ELB's own model, so that no member is lost. The records stay in MiniStack's
stores: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/.
"""

from . import balancers, listeners, target_groups


def install() -> None:
    """Answer the actions, and refuse on EC2 what a load balancer needs."""
    balancers.install()
    target_groups.install()
    listeners.install()
