"""IAM as AWS applies it: one request is many judgements, and every one of them must be allowed.

AWS judges a call once for each resource that it touches, each with the condition keys of that resource, and again for
what it does besides: tags on creation, a role that it hands over. This is the entry for the other parts of the plug-in.
"""

from .judgements import Denial, Judgement, decide, judge

__all__ = ["Denial", "Judgement", "decide", "judge"]
