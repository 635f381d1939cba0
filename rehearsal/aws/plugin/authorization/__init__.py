"""IAM as AWS applies it: one request is many judgements, and every one of them must be allowed.

AWS judges a call once for each resource that it touches, each with the condition keys of that resource, and again for
what it does besides: tags on creation, a role that it hands over. This is the entry for the other parts of the plug-in.
"""

from .call import Call
from .enforcement import current_call, current_denial, current_resource, install, launch_denial
from .fleets import launches_of
from .judgements import Denial, Judgement, decide, judge
from .messages import decode, encode
from .passing import passed
from .rules import known_keys, of_call
from .state import State

__all__ = [
    "Call",
    "Denial",
    "Judgement",
    "State",
    "current_call",
    "current_denial",
    "current_resource",
    "decide",
    "decode",
    "encode",
    "install",
    "judge",
    "known_keys",
    "launch_denial",
    "launches_of",
    "of_call",
    "passed",
]
