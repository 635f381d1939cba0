"""A Kubernetes control plane for each EKS cluster: one localkube process apiece.

MiniStack's _create_cluster and _delete_cluster are wrapped, so the EKS API and CloudFormation are both served.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, eks

from . import roles, zones
from .api import api
from .settings import Settings

# A control plane that is told to stop lists what is left in it and ends, in a fraction of a second.
_STOP_SECONDS = 20.0
# At the end of everything nobody reads that list.
_LAST_STOP_SECONDS = 0.5
_POLL_SECONDS = 0.05
_LAST_WORDS = 600
_FEWEST_ZONES = 2
_NO_CAPACITY = "the targeted availability zone, does not currently have sufficient capacity to support the cluster"
_PRINCIPAL = "eks.amazonaws.com"


@dataclass
class LocalKube:
    """One running control plane."""

    directory: Path
    process: subprocess.Popen
    decided: threading.Event = field(default_factory=threading.Event)

    def stop(self, seconds: float) -> None:
        """End it, by force if it takes longer than seconds; its standard input is what it lives by."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        return (self.directory / "out.txt").read_text(errors="replace")[-_LAST_WORDS:].strip()


# Members of CreateCluster that MiniStack forgets.
_KEPT = ("computeConfig", "deletionProtection", "upgradePolicy", "zonalShiftConfig")

Key = tuple[str, str, str]  # account, region, name
running: dict[Key, LocalKube] = {}

_settings: Settings | None = None
_create_record = eks._create_cluster
_delete_record = eks._delete_cluster


def install(settings: Settings) -> None:
    """Give CreateCluster and DeleteCluster a real control plane."""
    global _settings
    _settings = settings
    eks._create_cluster = _create_cluster
    eks._delete_cluster = _delete_cluster


def stop_all() -> None:
    """End every control plane; for the end of the process."""
    for local in running.values():
        if local.process.poll() is None:
            local.process.terminate()
    for local in running.values():
        local.stop(_LAST_STOP_SECONDS)


def _key(name: str) -> Key:
    return get_account_id(), get_region(), name


def _create_cluster(body: dict, creator_arn: str | None = None) -> tuple:
    if _settings is None or _settings.localkube is None:
        return eks._error(
            500, "ServerException", "no cluster can be made: REHEARSAL_LOCALKUBE is not set for the embedded AWS"
        )
    refused = _network_refusal(body.get("resourcesVpcConfig", {}))
    if not roles.trusts(body.get("roleArn", ""), _PRINCIPAL):
        refused = (
            f"Role with arn: {body.get('roleArn')}, could not be assumed because it does not exist or the trusted "
            "entity is not correct"
        )
    if refused:
        code = "UnsupportedAvailabilityZoneException" if _NO_CAPACITY in refused else "InvalidParameterException"
        return eks._error(400, code, refused)
    answer = _create_record(body, creator_arn)
    if answer[0] >= 300:
        return answer
    name = body["name"]
    record = eks._clusters[name]
    for member in _KEPT:
        if member in body:
            record[member] = body[member]
    # MiniStack's own thread finds no container engine and says ACTIVE at once.
    for thread in threading.enumerate():
        if thread.name == f"eks-{name}":
            thread.join()
    record["status"] = "CREATING"
    record["endpoint"] = ""
    record["accessConfig"].setdefault("authenticationMode", "CONFIG_MAP")
    _place_in_network(record)
    local = _start(name, record, self_managed_addons=body.get("bootstrapSelfManagedAddons", True))
    running[_key(name)] = local
    threading.Thread(target=_await_ready, args=(local, record), daemon=True).start()
    return eks._json_resp(200, {"cluster": eks._sanitize(record)})


def _network_refusal(vpc: dict) -> str:
    """Why EKS would refuse the network, or an empty text."""
    subnet_ids = vpc.get("subnetIds", [])
    missing = [subnet_id for subnet_id in subnet_ids if subnet_id not in ec2._subnets]
    if missing:
        return f"The subnet ID '{missing[0]}' does not exist"
    known = zones.of_region()
    for subnet_id in subnet_ids:
        zone = known[ec2._subnets[subnet_id]["AvailabilityZone"]]
        if not zone.takes_clusters():
            others = ", ".join(name for name, other in known.items() if other.takes_clusters())
            return (
                f"Cannot create cluster because {zone.name} ({zone.zone_id}), {_NO_CAPACITY}. "
                f"Retry and choose from these availability zones: {others}"
            )
    if len({ec2._subnets[subnet_id]["AvailabilityZone"] for subnet_id in subnet_ids}) < _FEWEST_ZONES:
        return "Subnets specified must be in at least two different AZs"
    if len({ec2._subnets[subnet_id]["VpcId"] for subnet_id in subnet_ids}) > 1:
        return "Subnets specified must belong to the same VPC"
    if not vpc.get("endpointPublicAccess", True) and not vpc.get("endpointPrivateAccess", False):
        return "Private and public endpoint access cannot be false."
    return ""


def _place_in_network(record: dict) -> None:
    """EKS finds the VPC by the subnets and makes a security group in it, open to itself; MiniStack invents both ids.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    vpc = record["resourcesVpcConfig"]
    vpc["vpcId"] = ec2._subnets[vpc["subnetIds"][0]]["VpcId"]
    name = record["name"]
    vpc["clusterSecurityGroupId"] = api("ec2").create_security_group(
        GroupName=f"eks-cluster-sg-{name}",
        Description="EKS created security group applied to ENI that is attached to EKS Control Plane master nodes",
        VpcId=vpc["vpcId"],
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": f"kubernetes.io/cluster/{name}", "Value": "owned"}]}
        ],
    )["GroupId"]
    # A key of AWS's own, which no caller may set.
    ec2._tags[vpc["clusterSecurityGroupId"]].append({"Key": "aws:eks:cluster-name", "Value": name})
    api("ec2").authorize_security_group_ingress(
        GroupId=vpc["clusterSecurityGroupId"],
        IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": vpc["clusterSecurityGroupId"]}]}],
    )


def _start(name: str, record: dict, self_managed_addons: bool) -> LocalKube:
    assert _settings is not None
    directory = Path(tempfile.mkdtemp(prefix=f"{name[:20]}-", dir=_settings.state))
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": get_account_id(), "AWS_SECRET_ACCESS_KEY": "test"}
    command = [
        str(_settings.localkube),
        "-dir", str(directory),
        "-cluster-name", name,
        "-region", get_region(),
        "-stop-on-stdin-eof",
        "-aws-endpoint", _settings.endpoint,
        "-aws-ca", _settings.ca,
        "-oidc-issuer", record["identity"]["oidc"]["issuer"],
        "-service-cidr", record["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
    ]  # fmt: skip
    note_creator(directory, record)
    if not self_managed_addons:
        command.append("-self-managed-addons=false")
    for image, program in _settings.programs:
        command += ["-program", f"{image}={json.dumps(program)}"]
    with open(directory / "out.txt", "w") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
    return LocalKube(directory, process)


def note_creator(directory: Path, record: dict) -> None:
    """Tell the control plane who made the cluster: an administrator that nothing shows, in the mode CONFIG_MAP
    (https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html)."""
    (directory / "creator").write_text(record.get("_creator_arn") or "")


def _await_ready(local: LocalKube, record: dict) -> None:
    ready = local.directory / "ready"
    try:
        while not ready.exists():
            if local.process.poll() is not None:
                raise RuntimeError(f"localkube ended with {local.process.returncode}: {local.last_words()}")
            time.sleep(_POLL_SECONDS)
        record["endpoint"] = ready.read_text().strip()
        certificate = (local.directory / "ca.crt").read_bytes()
        record["certificateAuthority"]["data"] = base64.b64encode(certificate).decode()
        record["status"] = "ACTIVE"
    except (OSError, RuntimeError) as problem:
        record["status"], record["_why"] = "FAILED", str(problem)
    finally:
        local.decided.set()


def _delete_cluster(name: str) -> tuple:
    groups = [g["nodegroupName"] for key, g in eks._nodegroups.items() if key.startswith(f"{name}/")]
    if groups and name in eks._clusters:
        return eks._error(409, "ResourceInUseException", f"Cluster has nodegroups attached: {', '.join(groups)}")
    record = eks._clusters.get(name) or {}
    if record.get("deletionProtection"):
        return eks._error(
            400, "InvalidRequestException", f"Cluster {name} has deletion protection enabled and cannot be deleted"
        )
    security_group = record.get("resourcesVpcConfig", {}).get("clusterSecurityGroupId")
    answer = _delete_record(name)
    if answer[0] >= 300:
        return answer
    local = running.pop(_key(name), None)
    if local:
        local.stop(_STOP_SECONDS)
        _keep_evidence(name, local.directory)
        shutil.rmtree(local.directory, ignore_errors=True)
    known = {g["GroupId"] for g in api("ec2").describe_security_groups()["SecurityGroups"]}
    if security_group in known:
        api("ec2").delete_security_group(GroupId=security_group)
    return answer


def _keep_evidence(name: str, directory: Path) -> None:
    """Keep the logs of the control plane and of its pods' programs, and the list of objects there at its end."""
    assert _settings is not None
    kept = _settings.state / "clusters"
    kept.mkdir(exist_ok=True)
    for source, target in (("localkube.log", f"{name}.log"), ("left.json", f"{name}.left.json")):
        if (directory / source).exists():
            shutil.copy(directory / source, kept / target)
    if (directory / "logs").is_dir():
        shutil.copytree(directory / "logs", kept / f"{name}.logs", dirs_exist_ok=True)


def wait_until_active(name: str) -> None:
    """Wait until the cluster's control plane answers; RuntimeError, with its last words, if it never does."""
    running[_key(name)].decided.wait()
    record = eks._clusters[name]
    if record["status"] != "ACTIVE":
        raise RuntimeError(f"cluster {name} did not become active: {record['_why']}")
