"""iam:PassRole: who hands a role to a service needs the right to, for that role and that service.

The reference names iam:PassRole among the dependent actions of many calls, but not of all that need it (EKS,
EventBridge's targets, CloudFormation); the rules below are those of each service's own documentation.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath

from . import functions, launches, reference
from .call import Call, Subject, judgement
from .judgements import Judgement
from .state import State

ACTION = "iam:PassRole"

_ROLE_IN_XML = re.compile(r"<Role>\s*(arn:[^<]+?)\s*</Role>")


@dataclass(frozen=True)
class Pass:
    """Where a call's parameters hold the roles, and which service gets them.

    profile: the parameters hold an instance profile, by name or ARN; its role is what is handed over.
    named: they hold the role's name, not its ARN.
    """

    path: str
    service: str
    profile: bool = False
    named: bool = False


_EC2, _EKS, _LAMBDA, _CFN = (
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "lambda.amazonaws.com",
    "cloudformation.amazonaws.com",
)
_EVENTS, _SCHEDULER, _ECS = "events.amazonaws.com", "scheduler.amazonaws.com", "ecs-tasks.amazonaws.com"
_RDS, _PIPES, _STATES, _LOGS = "rds.amazonaws.com", "pipes.amazonaws.com", "states.amazonaws.com", "logs.amazonaws.com"
_SNS, _S3, _SSM = "sns.amazonaws.com", "s3.amazonaws.com", "ssm.amazonaws.com"

_STACK = (Pass("RoleARN", _CFN),)
_POD = (Pass("roleArn", "pods.eks.amazonaws.com"),)
_TARGETS = (Pass("Targets[].RoleArn", _EVENTS),)
_TASK = (Pass("[taskRoleArn, executionRoleArn][]", _ECS),)
_OVERRIDDEN_TASK = (Pass("[overrides.taskRoleArn, overrides.executionRoleArn][]", _ECS),)
_MONITORING = (Pass("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),)
_DIRECTORY = Pass("DomainIAMRoleName", _RDS, named=True)
_INSTANCE = (*_MONITORING, _DIRECTORY)
_PROFILE = (Pass("IamInstanceProfile", _EC2, profile=True),)
_PLATFORM = (Pass("Attributes.[SuccessFeedbackRoleArn, FailureFeedbackRoleArn][]", _SNS),)
_FEEDBACK = "Attributes.*"

RULES: dict[str, tuple[Pass, ...]] = {
    "autoscaling:CreateAutoScalingGroup": (),
    "autoscaling:UpdateAutoScalingGroup": (),
    "autoscaling:CreateLaunchConfiguration": (Pass("IamInstanceProfile", _EC2, profile=True),),
    "autoscaling:PutLifecycleHook": (Pass("RoleARN", "autoscaling.amazonaws.com"),),
    "cloudformation:ContinueUpdateRollback": _STACK,
    "cloudformation:CreateChangeSet": _STACK,
    "cloudformation:CreateStack": _STACK,
    "cloudformation:DeleteStack": _STACK,
    "cloudformation:RollbackStack": _STACK,
    "cloudformation:UpdateStack": _STACK,
    "ec2:AssociateIamInstanceProfile": _PROFILE,
    "ec2:CreateFlowLogs": (Pass("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    "ec2:EnableFastLaunch": (),
    "ec2:ReplaceIamInstanceProfileAssociation": _PROFILE,
    "ec2:RequestSpotInstances": (Pass("LaunchSpecification.IamInstanceProfile", _EC2, profile=True),),
    "ec2:RunInstances": _PROFILE,
    "ecr:CreateRepositoryCreationTemplate": (Pass("customRoleArn", "ecr.amazonaws.com"),),
    "ecr:UpdateRepositoryCreationTemplate": (Pass("customRoleArn", "ecr.amazonaws.com"),),
    "ecs:CreateExpressGatewayService": (
        Pass("[executionRoleArn, taskRoleArn][]", _ECS),
        Pass("infrastructureRoleArn", "ecs.amazonaws.com"),
    ),
    "ecs:RegisterTaskDefinition": _TASK,
    "ecs:RunTask": _OVERRIDDEN_TASK,
    "ecs:StartTask": _OVERRIDDEN_TASK,
    "eks:CreateAddon": (
        Pass("serviceAccountRoleArn", _EKS),
        Pass("podIdentityAssociations[].roleArn", "pods.eks.amazonaws.com"),
    ),
    "eks:CreateCluster": (Pass("[roleArn, computeConfig.nodeRoleArn][]", _EKS),),
    "eks:CreateFargateProfile": (Pass("podExecutionRoleArn", "eks-fargate-pods.amazonaws.com"),),
    "eks:CreateNodegroup": (Pass("nodeRole", _EKS),),
    "eks:CreatePodIdentityAssociation": _POD,
    "eks:UpdateAddon": (
        Pass("serviceAccountRoleArn", _EKS),
        Pass("podIdentityAssociations[].roleArn", "pods.eks.amazonaws.com"),
    ),
    "eks:UpdateClusterConfig": (Pass("computeConfig.nodeRoleArn", _EKS),),
    "eks:UpdatePodIdentityAssociation": _POD,
    "events:PutRule": (Pass("RoleArn", _EVENTS),),
    "events:PutTargets": _TARGETS,
    "firehose:CreateDeliveryStream": (Pass("*.RoleARN", "firehose.amazonaws.com"),),
    "glue:CreateCrawler": (Pass("Role", "glue.amazonaws.com"),),
    "glue:CreateJob": (Pass("Role", "glue.amazonaws.com"),),
    "iam:AddRoleToInstanceProfile": (Pass("RoleName", _EC2, named=True),),
    "lambda:CreateCapacityProvider": (Pass("PermissionsConfig.CapacityProviderOperatorRoleArn", _LAMBDA),),
    "lambda:CreateFunction": (Pass("Role", _LAMBDA),),
    "lambda:UpdateFunctionConfiguration": (Pass("Role", _LAMBDA),),
    "logs:PutDestination": (Pass("roleArn", _LOGS),),
    "logs:PutSubscriptionFilter": (Pass("roleArn", _LOGS),),
    "pipes:CreatePipe": (Pass("RoleArn", _PIPES),),
    "pipes:UpdatePipe": (Pass("RoleArn", _PIPES),),
    "rds:AddRoleToDBCluster": (Pass("RoleArn", _RDS),),
    "rds:AddRoleToDBInstance": (Pass("RoleArn", _RDS),),
    "rds:CreateDBCluster": _INSTANCE,
    "rds:CreateDBInstance": _INSTANCE,
    "rds:CreateDBInstanceReadReplica": _INSTANCE,
    "rds:CreateDBProxy": (Pass("RoleArn", _RDS),),
    "rds:ModifyDBCluster": _INSTANCE,
    "rds:ModifyDBInstance": _INSTANCE,
    "rds:ModifyDBProxy": (Pass("RoleArn", _RDS),),
    "rds:ModifyOptionGroup": (Pass("OptionsToInclude[].OptionSettings[?Name=='IAM_ROLE_ARN'].Value[]", _RDS),),
    "rds:RemoveRoleFromDBCluster": (Pass("RoleArn", _RDS),),
    "rds:RemoveRoleFromDBInstance": (Pass("RoleArn", _RDS),),
    "rds:RestoreDBClusterFromS3": (Pass("S3IngestionRoleArn", _RDS), _DIRECTORY),
    "rds:RestoreDBClusterFromSnapshot": _INSTANCE,
    "rds:RestoreDBClusterToPointInTime": _INSTANCE,
    "rds:RestoreDBInstanceFromDBSnapshot": _INSTANCE,
    "rds:RestoreDBInstanceFromS3": (Pass("S3IngestionRoleArn", _RDS), *_MONITORING),
    "rds:RestoreDBInstanceToPointInTime": _INSTANCE,
    "rds:StartExportTask": (Pass("IamRoleArn", "export.rds.amazonaws.com"),),
    "scheduler:CreateSchedule": (Pass("Target.RoleArn", _SCHEDULER),),
    "scheduler:UpdateSchedule": (Pass("Target.RoleArn", _SCHEDULER),),
    "sns:CreatePlatformApplication": _PLATFORM,
    "sns:CreateTopic": (Pass(_FEEDBACK, _SNS),),
    "sns:SetPlatformApplicationAttributes": _PLATFORM,
    "sns:SetTopicAttributes": (Pass("AttributeValue", _SNS),),
    "ssm:CreateDocument": (),
    "ssm:RegisterTaskWithMaintenanceWindow": (Pass("ServiceRoleArn", _SSM),),
    "ssm:SendCommand": (Pass("ServiceRoleArn", _SSM),),
    "states:CreateStateMachine": (Pass("roleArn", _STATES),),
    "states:UpdateStateMachine": (Pass("roleArn", _STATES),),
}

# Calls that the reference gives iam:PassRole, and of which no role is judged: it is none of the parameters.
NO_ROLE_IN_PARAMETERS = {
    "autoscaling:CreateAutoScalingGroup": "the role is the launch template's",
    "autoscaling:UpdateAutoScalingGroup": "the role is the launch template's",
    "config:PutConformancePack": "the role stands in the pack's text",
    "config:PutOrganizationConfigRule": "the role is the organization's",
    "config:PutOrganizationConformancePack": "the role stands in the pack's text",
    "config:PutServiceLinkedConfigurationRecorder": "the role is the service's own",
    "config:StartRemediationExecution": "the role is the configured remediation's",
    "ec2:EnableFastLaunch": "the role is the launch template's",
    "s3:CreateJob": "S3 Control is not read here",
    "s3:PutReplicationConfiguration": "the role stands in an XML body: of_replication",
    "ssm:CreateDocument": "the role stands in the document's text",
    "transfer:UpdateWebAppCustomization": "none of its parameters is a role",
}


def roles(call: Call, state: State) -> list[Judgement]:
    """The judgements of iam:PassRole that a call needs besides its own."""
    if call.action not in RULES and _asked_for(call.action):
        # The reference says that a role is handed over, and nothing here says where: every role in the parameters.
        return [passed(role, f"{call.service}.amazonaws.com") for role in dict.fromkeys(_all_roles(call.parameters))]
    result = []
    for rule in RULES.get(call.action, ()):
        for role in dict.fromkeys(_roles_of(call, state, rule)):
            result.append(passed(role, rule.service, _associated(call)))
    return result


def _associated(call: Call) -> str | None:
    """The resource that gets the role, where the service tells IAM."""
    if call.action == "ec2:RunInstances":
        return call.arn("instance")
    if call.service == "ec2" and call.parameters.get("InstanceId"):
        return call.arn("instance", InstanceId=call.parameters["InstanceId"])
    return functions.function_arn(call) if call.service == "lambda" and "FunctionName" in call.parameters else None


def _asked_for(name: str) -> bool:
    found = reference.action(name)
    return found is not None and ACTION in found.dependent_actions


def _all_roles(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("arn:") and ":role/" in value:
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _all_roles(member)
    elif isinstance(value, list):
        for member in value:
            yield from _all_roles(member)


def of_replication(body: bytes) -> list[Judgement]:
    """The role of S3's PutBucketReplication, which its XML body names."""
    found = _ROLE_IN_XML.search(body.decode("utf-8", "replace"))
    return [passed(found[1], _S3)] if found else []


def passed(role_arn: str, service: str, resource_arn: str | None = None) -> Judgement:
    """The right to hand a role to a service, for the resource that gets it where that is known."""
    keys = {"iam:PassedToService": service, "iam:AssociatedResourceArn": resource_arn}
    return judgement(ACTION, Subject("role", role_arn), keys)


def _roles_of(call: Call, state: State, rule: Pass) -> list[str]:
    if rule.profile and call.action == "ec2:RunInstances":
        found: Any = launches.profile(call, state)
    else:
        found = jmespath.search(rule.path, dict(call.parameters))
    found = found if isinstance(found, list) else [found]
    if rule.profile:
        return [role for one in found if one for role in state.profile_roles(_profile_name(one))]
    texts = [one for one in found if isinstance(one, str) and one]
    if rule.named:
        return [state.iam("role", name).get("Arn") or call.arn("role", "iam", RoleNameWithPath=name) for name in texts]
    return [_as_arn(call, state, one) for one in texts if ":role/" in one or (":" not in one and _is_role(state, one))]


def _is_role(state: State, name: str) -> bool:
    return bool(state.iam("role", name.rsplit("/", 1)[-1]))


def _as_arn(call: Call, state: State, role: str) -> str:
    """Some services take a role's name where others take its ARN."""
    return role if role.startswith("arn:") else str(state.iam("role", role.rsplit("/", 1)[-1])["Arn"])


def _profile_name(profile: Any) -> str:
    if isinstance(profile, str):
        return profile
    return profile.get("Arn") or profile.get("Name") or ""
