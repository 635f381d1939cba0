"""CloudFormation acts with its caller's rights, or those of a role that it was handed.

Each operation on a resource is judged before it happens, on what its handler would call on AWS: `permissions` says
which actions, `targets` on which ARNs and with which keys, `actors` whose policies count, `refusals` what the event
says. The account's root is free, and pays nothing.
"""

from .engine import inherited, install, may_read_template
from .refusals import NotAuthorized

__all__ = ["NotAuthorized", "inherited", "install", "may_read_template"]
