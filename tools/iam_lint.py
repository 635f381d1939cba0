"""Check IAM policies with parliament: unknown actions, resources and conditions that do not fit an action, bad patterns.

In (standard input): a JSON object, the policies by name. Out: a JSON list of findings with "policy", "issue" and "detail".
https://github.com/duo-labs/parliament lists the issues; its community auditors (credentials, escalation, sensitive data) run
as well.
"""

import json
import pathlib
import sys

import parliament


def single(value: object) -> object:
    """The policy with lists of one as their element: parliament cannot read {"Null": {"a key": ["true"]}}."""
    if isinstance(value, dict):
        return {k: single(v) for k, v in value.items()}
    if isinstance(value, list):
        return single(value[0]) if len(value) == 1 else [single(v) for v in value]
    return value


def main() -> None:
    community = pathlib.Path(parliament.__file__).parent / "community_auditors" / "config_override.yaml"
    parliament.override_config(community)
    findings = []
    for name, policy in json.load(sys.stdin).items():
        analysed = parliament.analyze_policy_string(json.dumps(single(policy)), name, include_community_auditors=True)
        for finding in analysed.findings:
            parliament.enhance_finding(finding)  # raises for an issue that parliament itself does not know
            # Some auditors name the actions in the place, not in the detail.
            detail = finding.detail or {k: v for k, v in finding.location.items() if k == "actions"}
            findings.append({"policy": name, "issue": finding.issue, "detail": json.dumps(detail, default=str)})
    json.dump(findings, sys.stdout)


if __name__ == "__main__":
    main()
