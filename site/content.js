// Generated from the templates by `make template`: change it there.
window.launchContent = {
 "version": "0.1.0",
 "regions": [
  {
   "name": "ap-south-1",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.ap-south-1.amazonaws.com/e6data-quickstart-ap-south-1/0.1.0/"
  },
  {
   "name": "ap-southeast-1",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.ap-southeast-1.amazonaws.com/e6data-quickstart-ap-southeast-1/0.1.0/"
  },
  {
   "name": "eu-central-1",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.eu-central-1.amazonaws.com/e6data-quickstart-eu-central-1/0.1.0/"
  },
  {
   "name": "eu-west-1",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.eu-west-1.amazonaws.com/e6data-quickstart-eu-west-1/0.1.0/"
  },
  {
   "name": "us-east-1",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.us-east-1.amazonaws.com/e6data-quickstart-us-east-1/0.1.0/"
  },
  {
   "name": "us-east-2",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.us-east-2.amazonaws.com/e6data-quickstart-us-east-2/0.1.0/"
  },
  {
   "name": "us-west-2",
   "partition": "aws",
   "console": "console.aws.amazon.com",
   "files": "https://s3.us-west-2.amazonaws.com/e6data-quickstart-us-west-2/0.1.0/"
  }
 ],
 "modes": [
  {
   "name": "new-vpc",
   "title": "New VPC and new EKS cluster",
   "template": "quickstart.yaml",
   "capability": "CAPABILITY_IAM",
   "form": {
    "description": "e6data workspace: a new VPC, a new EKS cluster, and what the e6data query engine needs on them.",
    "groups": [
     {
      "label": "Workspace",
      "parameters": [
       {
        "name": "WorkspaceName",
        "label": "Workspace name",
        "type": "String",
        "pattern": "^[a-z][a-z0-9-]{1,18}[a-z0-9]$",
        "constraint": "3 to 20 lower-case letters, digits and hyphens; a letter first, no hyphen at the end.",
        "description": "Name of the e6data workspace, as it will stand in the e6data console. Names in Kubernetes and tags in AWS are made from it."
       },
       {
        "name": "DataBucketNames",
        "label": "Data buckets",
        "type": "CommaDelimitedList",
        "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "Names of S3 buckets, comma-separated: 3 to 63 lower-case letters, digits, dots and hyphens each. All buckets (*) cannot be given.",
        "description": "S3 buckets that hold the data to query, comma-separated. The query engine may read these buckets and no others."
       },
       {
        "name": "GlueAccess",
        "label": "AWS Glue Data Catalog",
        "type": "String",
        "default": "ReadOnly",
        "values": [
         "ReadOnly",
         "ReadWrite"
        ],
        "constraint": "One of \"ReadOnly\", \"ReadWrite\".",
        "description": "What the query engine may do in this account's Glue Data Catalog. ReadWrite lets it create, change and delete tables."
       },
       {
        "name": "KubernetesNamespace",
        "label": "Kubernetes namespace",
        "type": "String",
        "default": "e6data",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the workspace on the cluster. It is made if it does not exist."
       },
       {
        "name": "DebugNamespaces",
        "label": "Namespaces e6data may inspect",
        "type": "CommaDelimitedList",
        "default": "kube-system",
        "pattern": "^$|^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "Names of namespaces, comma-separated.",
        "description": "Namespaces in which e6data's support may read pods and logs, comma-separated. Leave empty for none."
       }
      ]
     },
     {
      "label": "Network",
      "parameters": [
       {
        "name": "VpcCidr",
        "label": "VPC address block",
        "type": "String",
        "default": "10.200.0.0/16",
        "pattern": "^(10\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])/(1[6-9]|2[01])$",
        "constraint": "A private block (10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) of size /16 to /21, such as 10.200.0.0/16.",
        "description": "Private IPv4 block of the new VPC, /16 to /21. Choose one that does not overlap with networks you will connect to it."
       },
       {
        "name": "ExcludedAvailabilityZones",
        "label": "Availability Zones to leave out",
        "type": "CommaDelimitedList",
        "default": "",
        "pattern": "^$|^[a-z]{2,}(-[a-z]+)+-[0-9][a-z]$|^[a-z]{2,}[0-9]+-az[0-9]+$",
        "constraint": "Names or IDs of Availability Zones, comma-separated.",
        "description": "Zone names (us-east-1e) or zone IDs (use1-az3) that are not to be used, comma-separated. Zones that EKS refuses are left out anyway."
       },
       {
        "name": "AdditionalAvailabilityZones",
        "label": "Availability Zones to add",
        "type": "CommaDelimitedList",
        "default": "",
        "pattern": "^$|^[a-z]{2,}(-[a-z]+)+-[0-9][a-z]$|^[a-z]{2,}[0-9]+-az[0-9]+$",
        "constraint": "Names or IDs of Availability Zones, comma-separated.",
        "description": "Zone names or zone IDs in which the query engine's nodes get subnets too, comma-separated, up to 6 zones in all. The cluster keeps the zones it began with, and zones that AWS opens later are used only if they are named here. A zone that was added stays."
       },
       {
        "name": "NatGateways",
        "label": "NAT gateways",
        "type": "String",
        "default": "Single",
        "values": [
         "Single",
         "PerZone"
        ],
        "constraint": "One of \"Single\", \"PerZone\".",
        "description": "Single is cheaper, but all zones lose their way out if its zone fails. PerZone has one NAT gateway in each zone."
       }
      ]
     },
     {
      "label": "EKS cluster",
      "parameters": [
       {
        "name": "ClusterName",
        "label": "Cluster name",
        "type": "String",
        "default": "",
        "pattern": "^$|^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$",
        "constraint": "Up to 100 letters, digits, hyphens and underscores; a letter or digit first.",
        "description": "Name of the EKS cluster. Leave empty for e6data-\u003cworkspace name\u003e. It cannot be changed later."
       },
       {
        "name": "KubernetesVersion",
        "label": "Kubernetes version",
        "type": "String",
        "default": "1.36",
        "values": [
         "1.36",
         "1.35"
        ],
        "constraint": "One of \"1.36\", \"1.35\".",
        "description": "Kubernetes version of the cluster. A cluster can go up one version at a time, never down."
       },
       {
        "name": "ClusterSupportPolicy",
        "label": "At the end of standard support",
        "type": "String",
        "default": "STANDARD",
        "values": [
         "STANDARD",
         "EXTENDED"
        ],
        "constraint": "One of \"STANDARD\", \"EXTENDED\".",
        "description": "STANDARD: EKS upgrades the cluster by itself when standard support of its version ends. EXTENDED: it stays, at a higher price per hour."
       },
       {
        "name": "ClusterAuthenticationMode",
        "label": "How people get in",
        "type": "String",
        "default": "API_AND_CONFIG_MAP",
        "values": [
         "API_AND_CONFIG_MAP",
         "API"
        ],
        "constraint": "One of \"API_AND_CONFIG_MAP\", \"API\".",
        "description": "API: only EKS access entries let people and roles in to the cluster. API_AND_CONFIG_MAP: the ConfigMap aws-auth does too. EKS refuses to go back from API."
       },
       {
        "name": "NodeGroupCapacityType",
        "label": "Capacity of the managed node group",
        "type": "String",
        "default": "ON_DEMAND",
        "values": [
         "ON_DEMAND",
         "SPOT"
        ],
        "constraint": "One of \"ON_DEMAND\", \"SPOT\".",
        "description": "How EC2 capacity is bought for the nodes that run controllers and agents. SPOT is cheaper, and AWS can take the nodes away with two minutes' notice. A change makes a new node group, then removes the old one."
       },
       {
        "name": "ClusterDeletionProtection",
        "label": "Deletion protection",
        "type": "String",
        "default": "Off",
        "values": [
         "Off",
         "On"
        ],
        "constraint": "One of \"Off\", \"On\".",
        "description": "On: the cluster, and so this stack, cannot be deleted until this is Off again."
       },
       {
        "name": "VpcCniWarmTargets",
        "label": "Addresses each node keeps ready for pods",
        "type": "CommaDelimitedList",
        "default": "MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2",
        "pattern": "^$|^(WARM_IP_TARGET|MINIMUM_IP_TARGET|WARM_ENI_TARGET|WARM_PREFIX_TARGET)=[0-9]{1,3}$",
        "constraint": "Settings such as MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2: each name once, each with a number from 0 to 999.",
        "description": "How many addresses of the subnets a node holds before pods need them: settings of the VPC CNI as NAME=NUMBER, comma-separated, out of WARM_IP_TARGET (free ones), MINIMUM_IP_TARGET (all together), WARM_ENI_TARGET (whole network interfaces), WARM_PREFIX_TARGET. The default keeps few, so that small subnets last. Leave empty for the VPC CNI's own defaults."
       },
       {
        "name": "EndpointPublicAccessCidrs",
        "label": "Who may reach the cluster's public endpoint",
        "type": "CommaDelimitedList",
        "default": "44.194.151.209/32",
        "pattern": "^$|^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])/([89]|[12][0-9]|3[0-2])$",
        "constraint": "IPv4 blocks of size /8 to /32, comma-separated. The whole internet (0.0.0.0/0) cannot be given.",
        "description": "IPv4 blocks from which the Kubernetes API may be reached over the internet, comma-separated. The default is e6data's control plane. Leave empty to switch the public endpoint off; the private one is always on."
       },
       {
        "name": "ClusterLogTypes",
        "label": "Control-plane logs",
        "type": "String",
        "default": "audit,authenticator,controllerManager,scheduler",
        "values": [
         "audit,authenticator,controllerManager,scheduler",
         "api,audit,authenticator,controllerManager,scheduler",
         "audit,authenticator",
         "None"
        ],
        "constraint": "One of \"audit,authenticator,controllerManager,scheduler\", \"api,audit,authenticator,controllerManager,scheduler\", \"audit,authenticator\", \"None\".",
        "description": "Which logs of the cluster's control plane go to CloudWatch Logs."
       },
       {
        "name": "LogRetentionDays",
        "label": "Days to keep logs",
        "type": "Number",
        "default": "30",
        "values": [
         "1",
         "3",
         "5",
         "7",
         "14",
         "30",
         "60",
         "90",
         "120",
         "150",
         "180",
         "365",
         "400",
         "545",
         "731",
         "1096",
         "1827",
         "2192",
         "2557",
         "2922",
         "3288",
         "3653"
        ],
        "constraint": "One of \"1\", \"3\", \"5\", \"7\", \"14\", \"30\", \"60\", \"90\", \"120\", \"150\", \"180\", \"365\", \"400\", \"545\", \"731\", \"1096\", \"1827\", \"2192\", \"2557\", \"2922\", \"3288\", \"3653\".",
        "description": "How many days CloudWatch Logs keeps the logs of the cluster and of this stack's functions."
       },
       {
        "name": "AdminPrincipalArn",
        "label": "Cluster administrator",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/Admin.",
        "description": "ARN of an IAM role or user that becomes administrator of the cluster. Leave empty for none: whoever creates this stack gets no rights on the cluster by that alone."
       }
      ]
     },
     {
      "label": "Nodes of the query engine",
      "parameters": [
       {
        "name": "NodeInstanceFamilies",
        "label": "EC2 instance families",
        "type": "CommaDelimitedList",
        "default": "t4g,c7g,c7gd,c6g,c6gd,c8g,r6g,r6gd,r7g,r7gd,r8g,i8g",
        "pattern": "^[a-z][a-z0-9-]{1,15}$",
        "constraint": "Names of EC2 instance families such as c7g, comma-separated.",
        "description": "EC2 instance families from which Karpenter takes nodes for the query engine, comma-separated."
       },
       {
        "name": "NodeArchitectures",
        "label": "Processor architectures",
        "type": "String",
        "default": "arm64,amd64",
        "values": [
         "arm64,amd64",
         "arm64",
         "amd64"
        ],
        "constraint": "One of \"arm64,amd64\", \"arm64\", \"amd64\".",
        "description": "Processor architectures that the families above may have. The default lets the families decide; with one architecture, a family of the other is refused."
       },
       {
        "name": "NodeCapacityTypes",
        "label": "On-demand or Spot",
        "type": "String",
        "default": "on-demand",
        "values": [
         "on-demand",
         "spot,on-demand",
         "spot"
        ],
        "constraint": "One of \"on-demand\", \"spot,on-demand\", \"spot\".",
        "description": "How the query engine's nodes are bought. Spot is cheaper, but AWS may take a node back within two minutes, and queries on it fail."
       },
       {
        "name": "NodePoolCpuLimit",
        "label": "Largest number of vCPUs",
        "type": "Number",
        "default": "100000",
        "constraint": "A number from 2 to 1000000.",
        "description": "The query engine's nodes together never have more vCPUs than this.",
        "min": 2,
        "max": 1000000
       },
       {
        "name": "NodeDiskGiB",
        "label": "Disk of a node, GiB",
        "type": "Number",
        "default": "100",
        "constraint": "A number of GiB from 100 to 16384.",
        "description": "Size of the encrypted gp3 root volume of each node of the query engine.",
        "min": 100,
        "max": 16384
       },
       {
        "name": "NodeAmiVersion",
        "label": "Image of the nodes",
        "type": "String",
        "default": "latest",
        "pattern": "^(latest|v20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))$",
        "constraint": "latest, or a version such as v20260915.",
        "description": "Version of AWS's EKS image of Amazon Linux 2023 for the query engine's nodes, such as v20260915. With latest, nodes are replaced by newer images a few at a time, between 02:00 and 06:00 UTC."
       },
       {
        "name": "NodeTags",
        "label": "Tags of what the cluster makes",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*(,[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*){0,9}$",
        "constraint": "At most 10 tags key=value, comma-separated. Keys have letters, digits, spaces and + . _ @ -; values may also have : and /.",
        "description": "Tags such as team=data,cost-center=42 for what the stack's own tags do not reach, at most 10: the instances and disks of nodes with their network interfaces, load balancers, and the volumes of pods. Of nodes app and Name are e6data's, of load balancers app.",
        "maxLength": 2000
       }
      ]
     },
     {
      "label": "Access for e6data and for you",
      "parameters": [
       {
        "name": "ControlPlanePrincipalArn",
        "label": "e6data's control plane",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$",
        "constraint": "The ARN of an IAM role, a user or an account's root.",
        "description": "ARN of the principal of e6data's control plane that may assume the cross-account role. Leave empty for e6data's production account."
       },
       {
        "name": "ExternalId",
        "label": "External ID",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9_+=,.@:/-]{2,}$",
        "constraint": "2 to 1224 letters, digits and the characters _+=,.@:/-",
        "description": "External ID that the control plane must show when it assumes the cross-account role. Leave empty for one that is unique to this stack. Set it to rotate it.",
        "maxLength": 1224
       },
       {
        "name": "PermissionsBoundaryArn",
        "label": "Permissions boundary",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM managed policy.",
        "description": "ARN of a managed policy to set as permissions boundary on every role of this stack. Leave empty for none."
       },
       {
        "name": "RolePath",
        "label": "Path of the roles",
        "type": "String",
        "default": "/",
        "pattern": "^/([A-Za-z0-9+=,.@_-]+/)*$",
        "constraint": "A path that begins and ends with a slash, such as /e6data/, of 512 characters at most.",
        "description": "IAM path of every role of this stack.",
        "maxLength": 512
       },
       {
        "name": "KmsKeyArn",
        "label": "KMS key",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:kms:[a-z]{2,}(-[a-z]+)+-[0-9]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        "constraint": "The ARN of a KMS key (not of an alias), such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab.",
        "description": "ARN of a symmetric KMS key of your own, in this region, that encrypts the workspace bucket, the cluster's secrets and the nodes' disks. Its key policy must let EC2 Auto Scaling's service-linked role use it; the documentation has the policy. Leave empty for keys that AWS manages. It cannot be changed later: a cluster keeps the key of its secrets for good, or has none."
       }
      ]
     },
     {
      "label": "Charts and artefacts",
      "parameters": [
       {
        "name": "WorkspaceChartVersion",
        "label": "Workspace chart version",
        "type": "String",
        "default": "2.1.12",
        "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$",
        "constraint": "A version such as 2.1.12.",
        "description": "Version of e6data's workspace Helm chart."
       },
       {
        "name": "KarpenterVersion",
        "label": "Karpenter version",
        "type": "String",
        "default": "1.14.0",
        "values": [
         "1.14.0"
        ],
        "constraint": "One of \"1.14.0\".",
        "description": "Version of Karpenter, which starts and ends the query engine's nodes. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerVersion",
        "label": "AWS Load Balancer Controller version",
        "type": "String",
        "default": "3.5.0",
        "values": [
         "3.5.0"
        ],
        "constraint": "One of \"3.5.0\".",
        "description": "Version of the AWS Load Balancer Controller, which makes the workspace's load balancers. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerNamespace",
        "label": "AWS Load Balancer Controller namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the AWS Load Balancer Controller on the cluster. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "KarpenterNamespace",
        "label": "Karpenter's namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Kubernetes namespace of Karpenter. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "ChartSource",
        "label": "Where the Helm charts are",
        "type": "String",
        "default": "Public",
        "pattern": "^(Public|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*|oci://[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._-]+)*)$",
        "constraint": "Public, s3://bucket/prefix or oci://registry/path, without a slash at the end.",
        "description": "Public: the charts' public repositories. Else a copy of them: s3://bucket/prefix with files named chart-version.tgz, or oci://registry/path of a registry that anybody may read."
       },
       {
        "name": "ImageRegistry",
        "label": "Where the container images are",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "constraint": "A registry's host name, perhaps with a port and a path in lower case, without https:// and without a slash at the end.",
        "description": "Registry, with an optional path, that has copies of the controllers' images under their own paths, such as 111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror with karpenter/controller below it. Leave empty for the public registries."
       },
       {
        "name": "HttpsProxy",
        "label": "Proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
        "constraint": "http:// or https://, a host name or address, and a port. User names and passwords cannot be given: parameters are no place for secrets.",
        "description": "Address of the proxy through which the functions in the VPC, Karpenter and the nodes reach AWS and the registries, such as http://proxy.example.com:3128. It must reach all AWS APIs and take no password. Leave empty for none.",
        "maxLength": 300
       },
       {
        "name": "NoProxy",
        "label": "Reached without the proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9._:/-]+(,[A-Za-z0-9._:/-]+)*$",
        "constraint": "Host names, domains and address blocks, comma-separated, without spaces, 2000 characters at most.",
        "description": "Hosts, domains and address blocks that are reached without the proxy, comma-separated. Private addresses, the cluster and instance metadata always are. Add s3.\u003cregion\u003e.amazonaws.com if your VPC has an endpoint for Amazon S3.",
        "maxLength": 2000
       },
       {
        "name": "Version",
        "label": "Version of this quickstart",
        "type": "String",
        "default": "0.1.0",
        "values": [
         "0.1.0"
        ],
        "constraint": "This template is of version 0.1.0, and needs the functions of that version: choose 0.1.0.",
        "description": "Version of this quickstart whose functions and nested template are used: the template's own. An update to another version's template changes it to that one."
       },
       {
        "name": "ArtifactBucket",
        "label": "Bucket with this quickstart's files",
        "type": "String",
        "default": "",
        "pattern": "^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "The name of an S3 bucket.",
        "description": "Bucket, in this region, with a copy of this quickstart's files under \u003cversion\u003e/. For accounts without internet access. Leave empty for e6data's own."
       },
       {
        "name": "FunctionArchitecture",
        "label": "Architecture of the functions",
        "type": "String",
        "default": "arm64",
        "values": [
         "arm64",
         "x86_64"
        ],
        "constraint": "One of \"arm64\", \"x86_64\".",
        "description": "Processor architecture of this stack's Lambda functions. arm64 is cheaper; x86_64 is for regions without it."
       },
       {
        "name": "ConsoleHost",
        "label": "e6data console",
        "type": "String",
        "default": "console.e6data.com",
        "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$",
        "constraint": "A host name such as console.e6data.com.",
        "description": "Host name of the e6data console, for the link in the outputs of the stack."
       },
       {
        "name": "CallbackUrl",
        "label": "Address that is told the results",
        "type": "String",
        "default": "",
        "pattern": "^$|^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._~-]+)*/?$",
        "constraint": "An https address with a host name, without user, query and fragment, such as https://hooks.example.com/workspaces.",
        "description": "Address to which the finished workspace's description is posted, the external ID with it, and a proof that it comes from this account. Leave empty to post nothing, and paste the output WorkspaceConfig into the console instead.",
        "maxLength": 1000
       }
      ]
     }
    ]
   },
   "makes": [
    {
     "count": 1,
     "what": "network (a nested stack): public and private subnets in 2 to 6 zones with their routes and a way out"
    },
    {
     "count": 1,
     "what": "EKS cluster"
    },
    {
     "count": 1,
     "what": "managed node group, for controllers"
    },
    {
     "count": 4,
     "what": "EKS add-ons",
     "names": [
      "aws-ebs-csi-driver",
      "coredns",
      "kube-proxy",
      "vpc-cni"
     ]
    },
    {
     "count": 5,
     "what": "Helm releases on the cluster",
     "names": [
      "\u003cworkspace name\u003e",
      "aws-load-balancer-controller",
      "e6data-\u003cworkspace name\u003e",
      "karpenter",
      "karpenter-crd"
     ]
    },
    {
     "count": 2,
     "what": "S3 buckets, kept when the stack is deleted"
    },
    {
     "count": 11,
     "what": "IAM roles"
    },
    {
     "count": 2,
     "what": "Lambda functions that set up the rest"
    },
    {
     "count": 1,
     "what": "OIDC provider, with which pods get their roles"
    },
    {
     "count": 4,
     "what": "access entries of the cluster"
    },
    {
     "count": 1,
     "what": "security group"
    },
    {
     "count": 1,
     "what": "SQS queue, for Karpenter"
    },
    {
     "count": 5,
     "what": "EventBridge rules, for Karpenter"
    },
    {
     "count": 3,
     "what": "log groups"
    }
   ],
   "roles": [
    {
     "id": "ClusterRole",
     "description": "Control plane of the e6data EKS cluster",
     "managed": [
      "AmazonEKSClusterPolicy"
     ],
     "statements": []
    },
    {
     "id": "CrossAccountRole",
     "description": "e6data control plane: cluster, endpoints and metrics of the workspace, and the workspace bucket",
     "statements": [
      {
       "sid": "CreateLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer"
       ]
      },
      {
       "sid": "CreateWebAcls",
       "actions": [
        "wafv2:CreateWebACL",
        "wafv2:CreateIPSet"
       ]
      },
      {
       "sid": "DeleteLoadBalancers",
       "actions": [
        "elasticloadbalancing:DeleteLoadBalancer"
       ]
      },
      {
       "sid": "DescribeCluster",
       "actions": [
        "eks:DescribeCluster",
        "eks:ListNodegroups"
       ]
      },
      {
       "sid": "DescribeNodeGroups",
       "actions": [
        "eks:DescribeNodegroup"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ManageWebAcls",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:UpdateWebACL",
        "wafv2:DeleteWebACL",
        "wafv2:GetIPSet",
        "wafv2:UpdateIPSet",
        "wafv2:DeleteIPSet"
       ]
      },
      {
       "sid": "ProtectLoadBalancers",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:DisassociateWebACL",
        "elasticloadbalancing:SetWebAcl",
        "elasticloadbalancing:CreateWebACLAssociation",
        "elasticloadbalancing:DeleteWebACLAssociation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "ReadNetworkAndMetrics",
       "actions": [
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "cloudwatch:GetMetricStatistics"
       ]
      },
      {
       "sid": "ReadQuotas",
       "actions": [
        "servicequotas:GetServiceQuota"
       ]
      },
      {
       "sid": "ReadWebAclOfLoadBalancers",
       "actions": [
        "wafv2:GetWebACLForResource",
        "elasticloadbalancing:GetLoadBalancerWebACL"
       ]
      },
      {
       "sid": "ReadWebAcls",
       "actions": [
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource"
       ]
      },
      {
       "sid": "TagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewWebAcls",
       "actions": [
        "wafv2:TagResource"
       ]
      },
      {
       "sid": "TagWebAcls",
       "actions": [
        "wafv2:TagResource",
        "wafv2:UntagResource"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseManagedRules",
       "actions": [
        "wafv2:UpdateWebACL"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      }
     ]
    },
    {
     "id": "EbsCsiRole",
     "description": "EBS CSI driver of the e6data cluster: makes and attaches the volumes of pods",
     "managed": [
      "AmazonEBSCSIDriverPolicyV2"
     ],
     "statements": [
      {
       "sid": "LendKeyToVolumes",
       "actions": [
        "kms:CreateGrant"
       ]
      },
      {
       "sid": "UseKeyForVolumes",
       "actions": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo"
       ]
      }
     ]
    },
    {
     "id": "EngineRole",
     "description": "e6data query engine: reads the data buckets, reads and writes the workspace bucket",
     "statements": [
      {
       "sid": "ListDataBuckets",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ReadCatalog",
       "actions": [
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetTable",
        "glue:GetTables",
        "glue:GetPartitions"
       ]
      },
      {
       "sid": "ReadData",
       "actions": [
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      },
      {
       "sid": "WriteSystemTables",
       "actions": [
        "sts:AssumeRole",
        "sts:TagSession"
       ]
      },
      {
       "sid": "WriteTables",
       "actions": [
        "glue:CreateTable",
        "glue:UpdateTable",
        "glue:DeleteTable"
       ]
      }
     ]
    },
    {
     "id": "HelmInstallerRole",
     "description": "e6data: installs Helm charts on the cluster",
     "statements": [
      {
       "sid": "ButNotFromCode",
       "deny": true,
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "ReadCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "UseNetworkInterfaces",
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    },
    {
     "id": "KarpenterControllerRole",
     "description": "Karpenter's controller: starts and ends the nodes of the e6data query engine",
     "statements": [
      {
       "sid": "AllowAPIServerEndpointDiscovery",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "AllowInstanceProfileReadActions",
       "actions": [
        "iam:GetInstanceProfile"
       ]
      },
      {
       "sid": "AllowInterruptionQueueActions",
       "actions": [
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage"
       ]
      },
      {
       "sid": "AllowPassingInstanceRole",
       "actions": [
        "iam:PassRole"
       ]
      },
      {
       "sid": "AllowPricingReadActions",
       "actions": [
        "pricing:GetProducts"
       ]
      },
      {
       "sid": "AllowRegionalReadActions",
       "actions": [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets"
       ]
      },
      {
       "sid": "AllowSSMReadActions",
       "actions": [
        "ssm:GetParameter"
       ]
      },
      {
       "sid": "AllowScopedDeletion",
       "actions": [
        "ec2:TerminateInstances",
        "ec2:DeleteLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceActionsWithTags",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2LaunchTemplateAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedResourceCreationTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowScopedResourceTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowUnscopedInstanceProfileListAction",
       "actions": [
        "iam:ListInstanceProfiles"
       ]
      },
      {
       "sid": "AllowZonalShiftStatusReadOnly",
       "actions": [
        "arc-zonal-shift:GetManagedResource"
       ]
      },
      {
       "sid": "LendKeyToVolumes",
       "actions": [
        "kms:CreateGrant"
       ]
      },
      {
       "sid": "MakeServiceLinkedRoleForSpot",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "UseKeyForVolumes",
       "actions": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo"
       ]
      }
     ]
    },
    {
     "id": "KarpenterNodeRole",
     "description": "Nodes of the e6data query engine, started by Karpenter",
     "managed": [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryReadOnly",
      "AmazonSSMManagedInstanceCore"
     ],
     "statements": []
    },
    {
     "id": "LoadBalancerControllerRole",
     "description": "AWS Load Balancer Controller of the e6data cluster: makes and changes its load balancers",
     "statements": [
      {
       "sid": "ChangeListeners",
       "actions": [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:SetRulePriorities",
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteRule"
       ]
      },
      {
       "sid": "ChangeLoadBalancers",
       "actions": [
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
        "elasticloadbalancing:ModifyCapacityReservation",
        "elasticloadbalancing:ModifyIpPools",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets"
       ]
      },
      {
       "sid": "ChangeSecurityGroups",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup"
       ]
      },
      {
       "sid": "FindCertificates",
       "actions": [
        "acm:ListCertificates"
       ]
      },
      {
       "sid": "LetLoadBalancersInToNodes",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress"
       ]
      },
      {
       "sid": "MakeLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup"
       ]
      },
      {
       "sid": "MakeServiceLinkedRole",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "MakeTaggedSecurityGroups",
       "actions": [
        "ec2:CreateSecurityGroup"
       ]
      },
      {
       "sid": "Read",
       "actions": [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "ec2:DescribeIpamPools",
        "ec2:DescribeRouteTables",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeListenerCertificates",
        "elasticloadbalancing:DescribeSSLPolicies",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTrustStores",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeCapacityReservation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "RetagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "RetagSecurityGroups",
       "actions": [
        "ec2:CreateTags",
        "ec2:DeleteTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewSecurityGroups",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "UseVpc",
       "actions": [
        "ec2:CreateSecurityGroup",
        "ec2:GetSecurityGroupsForVpc"
       ]
      }
     ]
    },
    {
     "id": "NodeRole",
     "description": "Nodes of the e6data cluster's managed node group",
     "managed": [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryReadOnly",
      "AmazonSSMManagedInstanceCore"
     ],
     "statements": []
    },
    {
     "id": "OutputsFunctionRole",
     "description": "e6data: looks at the account, plans the network and writes the outputs of the stack",
     "statements": [
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindBoundary",
       "actions": [
        "iam:GetPolicy"
       ]
      },
      {
       "sid": "FindCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindServicesRoles",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "ReadKeySettings",
       "actions": [
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:ListGrants"
       ]
      },
      {
       "sid": "ReadOwnStatus",
       "actions": [
        "cloudformation:DescribeStacks"
       ]
      },
      {
       "sid": "ReadUse",
       "actions": [
        "ec2:DescribeVpcs",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeAddresses",
        "ec2:DescribeNatGateways",
        "ec2:DescribeSubnets",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstanceTypeOfferings",
        "eks:DescribeClusterVersions",
        "servicequotas:GetServiceQuota",
        "logs:DescribeLogGroups"
       ]
      },
      {
       "sid": "ReadZones",
       "actions": [
        "ec2:DescribeAvailabilityZones"
       ]
      },
      {
       "sid": "TellMissingCharts",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    },
    {
     "id": "VpcCniRole",
     "description": "VPC CNI of the e6data cluster: gives pods addresses of the VPC",
     "managed": [
      "AmazonEKS_CNI_Policy"
     ],
     "statements": []
    }
   ],
   "costs": [
    {
     "what": "EKS cluster",
     "how": "730 hours at $0.10; at $0.60 once its Kubernetes version is out of standard support",
     "usd": 73,
     "price": "https://aws.amazon.com/eks/pricing/"
    },
    {
     "what": "Nodes of the managed node group",
     "how": "2 × t4g.medium on demand, 730 hours at $0.0336",
     "usd": 49.056,
     "price": "https://aws.amazon.com/ec2/pricing/on-demand/"
    },
    {
     "what": "Their disks",
     "how": "2 × 20 GiB of gp3 at $0.08",
     "usd": 3.2,
     "price": "https://aws.amazon.com/ebs/pricing/"
    },
    {
     "what": "NAT gateway with its public address",
     "how": "730 hours at $0.045 and $0.005, besides $0.045 for each GB through it",
     "usd": 36.5,
     "price": "https://aws.amazon.com/vpc/pricing/",
     "perZone": true
    }
   ]
  },
  {
   "name": "existing-vpc",
   "title": "New EKS cluster in a VPC that I have",
   "template": "templates/existing-vpc.yaml",
   "capability": "CAPABILITY_IAM",
   "form": {
    "description": "e6data workspace: a new EKS cluster in an existing VPC, and what the e6data query engine needs on it.",
    "groups": [
     {
      "label": "Workspace",
      "parameters": [
       {
        "name": "WorkspaceName",
        "label": "Workspace name",
        "type": "String",
        "pattern": "^[a-z][a-z0-9-]{1,18}[a-z0-9]$",
        "constraint": "3 to 20 lower-case letters, digits and hyphens; a letter first, no hyphen at the end.",
        "description": "Name of the e6data workspace, as it will stand in the e6data console. Names in Kubernetes and tags in AWS are made from it."
       },
       {
        "name": "DataBucketNames",
        "label": "Data buckets",
        "type": "CommaDelimitedList",
        "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "Names of S3 buckets, comma-separated: 3 to 63 lower-case letters, digits, dots and hyphens each. All buckets (*) cannot be given.",
        "description": "S3 buckets that hold the data to query, comma-separated. The query engine may read these buckets and no others."
       },
       {
        "name": "GlueAccess",
        "label": "AWS Glue Data Catalog",
        "type": "String",
        "default": "ReadOnly",
        "values": [
         "ReadOnly",
         "ReadWrite"
        ],
        "constraint": "One of \"ReadOnly\", \"ReadWrite\".",
        "description": "What the query engine may do in this account's Glue Data Catalog. ReadWrite lets it create, change and delete tables."
       },
       {
        "name": "KubernetesNamespace",
        "label": "Kubernetes namespace",
        "type": "String",
        "default": "e6data",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the workspace on the cluster. It is made if it does not exist."
       },
       {
        "name": "DebugNamespaces",
        "label": "Namespaces e6data may inspect",
        "type": "CommaDelimitedList",
        "default": "kube-system",
        "pattern": "^$|^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "Names of namespaces, comma-separated.",
        "description": "Namespaces in which e6data's support may read pods and logs, comma-separated. Leave empty for none."
       }
      ]
     },
     {
      "label": "Network",
      "parameters": [
       {
        "name": "VpcId",
        "label": "VPC",
        "type": "AWS::EC2::VPC::Id",
        "description": "The VPC in which the cluster is made. DNS hostnames and DNS resolution must be enabled in it. It cannot be changed later."
       },
       {
        "name": "PrivateSubnetIds",
        "label": "Private subnets",
        "type": "String",
        "default": "",
        "pattern": "^$|^subnet-([0-9a-f]{8}|[0-9a-f]{17})( *, *subnet-([0-9a-f]{8}|[0-9a-f]{17}))*$",
        "constraint": "IDs of subnets such as subnet-0123456789abcdef0, comma-separated.",
        "description": "Subnets of the VPC in two Availability Zones at least, for the cluster and its nodes, comma-separated. They are used as they are, and need a way out to the internet of their own, or HttpsProxy, or endpoints in the VPC for all that is used of AWS. Leave empty to have subnets, routes and NAT gateways made in free address space of the VPC. More can be added later, for the query engine's nodes; none can be taken out."
       },
       {
        "name": "PublicSubnetIds",
        "label": "Public subnets",
        "type": "String",
        "default": "",
        "pattern": "^$|^subnet-([0-9a-f]{8}|[0-9a-f]{17})( *, *subnet-([0-9a-f]{8}|[0-9a-f]{17}))*$",
        "constraint": "IDs of subnets such as subnet-0123456789abcdef0, comma-separated.",
        "description": "Subnets of the VPC for internet-facing load balancers, comma-separated. Only together with private subnets."
       },
       {
        "name": "ExcludedAvailabilityZones",
        "label": "Availability Zones to leave out",
        "type": "CommaDelimitedList",
        "default": "",
        "pattern": "^$|^[a-z]{2,}(-[a-z]+)+-[0-9][a-z]$|^[a-z]{2,}[0-9]+-az[0-9]+$",
        "constraint": "Names or IDs of Availability Zones, comma-separated.",
        "description": "Zone names (us-east-1e) or zone IDs (use1-az3) that are not to be used, comma-separated. Zones that EKS refuses are left out anyway."
       },
       {
        "name": "AdditionalAvailabilityZones",
        "label": "Availability Zones to add",
        "type": "CommaDelimitedList",
        "default": "",
        "pattern": "^$|^[a-z]{2,}(-[a-z]+)+-[0-9][a-z]$|^[a-z]{2,}[0-9]+-az[0-9]+$",
        "constraint": "Names or IDs of Availability Zones, comma-separated.",
        "description": "Zone names or zone IDs in which the query engine's nodes get subnets too, comma-separated, up to 6 zones in all. The cluster keeps the zones it began with, and zones that AWS opens later are used only if they are named here. A zone that was added stays."
       },
       {
        "name": "NatGateways",
        "label": "NAT gateways",
        "type": "String",
        "default": "Single",
        "values": [
         "Single",
         "PerZone"
        ],
        "constraint": "One of \"Single\", \"PerZone\".",
        "description": "Single is cheaper, but all zones lose their way out if its zone fails. PerZone has one NAT gateway in each zone."
       }
      ]
     },
     {
      "label": "EKS cluster",
      "parameters": [
       {
        "name": "ClusterName",
        "label": "Cluster name",
        "type": "String",
        "default": "",
        "pattern": "^$|^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$",
        "constraint": "Up to 100 letters, digits, hyphens and underscores; a letter or digit first.",
        "description": "Name of the EKS cluster. Leave empty for e6data-\u003cworkspace name\u003e. It cannot be changed later."
       },
       {
        "name": "KubernetesVersion",
        "label": "Kubernetes version",
        "type": "String",
        "default": "1.36",
        "values": [
         "1.36",
         "1.35"
        ],
        "constraint": "One of \"1.36\", \"1.35\".",
        "description": "Kubernetes version of the cluster. A cluster can go up one version at a time, never down."
       },
       {
        "name": "ClusterSupportPolicy",
        "label": "At the end of standard support",
        "type": "String",
        "default": "STANDARD",
        "values": [
         "STANDARD",
         "EXTENDED"
        ],
        "constraint": "One of \"STANDARD\", \"EXTENDED\".",
        "description": "STANDARD: EKS upgrades the cluster by itself when standard support of its version ends. EXTENDED: it stays, at a higher price per hour."
       },
       {
        "name": "ClusterAuthenticationMode",
        "label": "How people get in",
        "type": "String",
        "default": "API_AND_CONFIG_MAP",
        "values": [
         "API_AND_CONFIG_MAP",
         "API"
        ],
        "constraint": "One of \"API_AND_CONFIG_MAP\", \"API\".",
        "description": "API: only EKS access entries let people and roles in to the cluster. API_AND_CONFIG_MAP: the ConfigMap aws-auth does too. EKS refuses to go back from API."
       },
       {
        "name": "NodeGroupCapacityType",
        "label": "Capacity of the managed node group",
        "type": "String",
        "default": "ON_DEMAND",
        "values": [
         "ON_DEMAND",
         "SPOT"
        ],
        "constraint": "One of \"ON_DEMAND\", \"SPOT\".",
        "description": "How EC2 capacity is bought for the nodes that run controllers and agents. SPOT is cheaper, and AWS can take the nodes away with two minutes' notice. A change makes a new node group, then removes the old one."
       },
       {
        "name": "ClusterDeletionProtection",
        "label": "Deletion protection",
        "type": "String",
        "default": "Off",
        "values": [
         "Off",
         "On"
        ],
        "constraint": "One of \"Off\", \"On\".",
        "description": "On: the cluster, and so this stack, cannot be deleted until this is Off again."
       },
       {
        "name": "VpcCniWarmTargets",
        "label": "Addresses each node keeps ready for pods",
        "type": "CommaDelimitedList",
        "default": "MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2",
        "pattern": "^$|^(WARM_IP_TARGET|MINIMUM_IP_TARGET|WARM_ENI_TARGET|WARM_PREFIX_TARGET)=[0-9]{1,3}$",
        "constraint": "Settings such as MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2: each name once, each with a number from 0 to 999.",
        "description": "How many addresses of the subnets a node holds before pods need them: settings of the VPC CNI as NAME=NUMBER, comma-separated, out of WARM_IP_TARGET (free ones), MINIMUM_IP_TARGET (all together), WARM_ENI_TARGET (whole network interfaces), WARM_PREFIX_TARGET. The default keeps few, so that small subnets last. Leave empty for the VPC CNI's own defaults."
       },
       {
        "name": "EndpointPublicAccessCidrs",
        "label": "Who may reach the cluster's public endpoint",
        "type": "CommaDelimitedList",
        "default": "44.194.151.209/32",
        "pattern": "^$|^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])/([89]|[12][0-9]|3[0-2])$",
        "constraint": "IPv4 blocks of size /8 to /32, comma-separated. The whole internet (0.0.0.0/0) cannot be given.",
        "description": "IPv4 blocks from which the Kubernetes API may be reached over the internet, comma-separated. The default is e6data's control plane. Leave empty to switch the public endpoint off; the private one is always on."
       },
       {
        "name": "ClusterLogTypes",
        "label": "Control-plane logs",
        "type": "String",
        "default": "audit,authenticator,controllerManager,scheduler",
        "values": [
         "audit,authenticator,controllerManager,scheduler",
         "api,audit,authenticator,controllerManager,scheduler",
         "audit,authenticator",
         "None"
        ],
        "constraint": "One of \"audit,authenticator,controllerManager,scheduler\", \"api,audit,authenticator,controllerManager,scheduler\", \"audit,authenticator\", \"None\".",
        "description": "Which logs of the cluster's control plane go to CloudWatch Logs."
       },
       {
        "name": "LogRetentionDays",
        "label": "Days to keep logs",
        "type": "Number",
        "default": "30",
        "values": [
         "1",
         "3",
         "5",
         "7",
         "14",
         "30",
         "60",
         "90",
         "120",
         "150",
         "180",
         "365",
         "400",
         "545",
         "731",
         "1096",
         "1827",
         "2192",
         "2557",
         "2922",
         "3288",
         "3653"
        ],
        "constraint": "One of \"1\", \"3\", \"5\", \"7\", \"14\", \"30\", \"60\", \"90\", \"120\", \"150\", \"180\", \"365\", \"400\", \"545\", \"731\", \"1096\", \"1827\", \"2192\", \"2557\", \"2922\", \"3288\", \"3653\".",
        "description": "How many days CloudWatch Logs keeps the logs of the cluster and of this stack's functions."
       },
       {
        "name": "AdminPrincipalArn",
        "label": "Cluster administrator",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/Admin.",
        "description": "ARN of an IAM role or user that becomes administrator of the cluster. Leave empty for none: whoever creates this stack gets no rights on the cluster by that alone."
       }
      ]
     },
     {
      "label": "Nodes of the query engine",
      "parameters": [
       {
        "name": "NodeInstanceFamilies",
        "label": "EC2 instance families",
        "type": "CommaDelimitedList",
        "default": "t4g,c7g,c7gd,c6g,c6gd,c8g,r6g,r6gd,r7g,r7gd,r8g,i8g",
        "pattern": "^[a-z][a-z0-9-]{1,15}$",
        "constraint": "Names of EC2 instance families such as c7g, comma-separated.",
        "description": "EC2 instance families from which Karpenter takes nodes for the query engine, comma-separated."
       },
       {
        "name": "NodeArchitectures",
        "label": "Processor architectures",
        "type": "String",
        "default": "arm64,amd64",
        "values": [
         "arm64,amd64",
         "arm64",
         "amd64"
        ],
        "constraint": "One of \"arm64,amd64\", \"arm64\", \"amd64\".",
        "description": "Processor architectures that the families above may have. The default lets the families decide; with one architecture, a family of the other is refused."
       },
       {
        "name": "NodeCapacityTypes",
        "label": "On-demand or Spot",
        "type": "String",
        "default": "on-demand",
        "values": [
         "on-demand",
         "spot,on-demand",
         "spot"
        ],
        "constraint": "One of \"on-demand\", \"spot,on-demand\", \"spot\".",
        "description": "How the query engine's nodes are bought. Spot is cheaper, but AWS may take a node back within two minutes, and queries on it fail."
       },
       {
        "name": "NodePoolCpuLimit",
        "label": "Largest number of vCPUs",
        "type": "Number",
        "default": "100000",
        "constraint": "A number from 2 to 1000000.",
        "description": "The query engine's nodes together never have more vCPUs than this.",
        "min": 2,
        "max": 1000000
       },
       {
        "name": "NodeDiskGiB",
        "label": "Disk of a node, GiB",
        "type": "Number",
        "default": "100",
        "constraint": "A number of GiB from 100 to 16384.",
        "description": "Size of the encrypted gp3 root volume of each node of the query engine.",
        "min": 100,
        "max": 16384
       },
       {
        "name": "NodeAmiVersion",
        "label": "Image of the nodes",
        "type": "String",
        "default": "latest",
        "pattern": "^(latest|v20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))$",
        "constraint": "latest, or a version such as v20260915.",
        "description": "Version of AWS's EKS image of Amazon Linux 2023 for the query engine's nodes, such as v20260915. With latest, nodes are replaced by newer images a few at a time, between 02:00 and 06:00 UTC."
       },
       {
        "name": "NodeTags",
        "label": "Tags of what the cluster makes",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*(,[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*){0,9}$",
        "constraint": "At most 10 tags key=value, comma-separated. Keys have letters, digits, spaces and + . _ @ -; values may also have : and /.",
        "description": "Tags such as team=data,cost-center=42 for what the stack's own tags do not reach, at most 10: the instances and disks of nodes with their network interfaces, load balancers, and the volumes of pods. Of nodes app and Name are e6data's, of load balancers app.",
        "maxLength": 2000
       }
      ]
     },
     {
      "label": "Access for e6data and for you",
      "parameters": [
       {
        "name": "ControlPlanePrincipalArn",
        "label": "e6data's control plane",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$",
        "constraint": "The ARN of an IAM role, a user or an account's root.",
        "description": "ARN of the principal of e6data's control plane that may assume the cross-account role. Leave empty for e6data's production account."
       },
       {
        "name": "ExternalId",
        "label": "External ID",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9_+=,.@:/-]{2,}$",
        "constraint": "2 to 1224 letters, digits and the characters _+=,.@:/-",
        "description": "External ID that the control plane must show when it assumes the cross-account role. Leave empty for one that is unique to this stack. Set it to rotate it.",
        "maxLength": 1224
       },
       {
        "name": "PermissionsBoundaryArn",
        "label": "Permissions boundary",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM managed policy.",
        "description": "ARN of a managed policy to set as permissions boundary on every role of this stack. Leave empty for none."
       },
       {
        "name": "RolePath",
        "label": "Path of the roles",
        "type": "String",
        "default": "/",
        "pattern": "^/([A-Za-z0-9+=,.@_-]+/)*$",
        "constraint": "A path that begins and ends with a slash, such as /e6data/, of 512 characters at most.",
        "description": "IAM path of every role of this stack.",
        "maxLength": 512
       },
       {
        "name": "KmsKeyArn",
        "label": "KMS key",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:kms:[a-z]{2,}(-[a-z]+)+-[0-9]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        "constraint": "The ARN of a KMS key (not of an alias), such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab.",
        "description": "ARN of a symmetric KMS key of your own, in this region, that encrypts the workspace bucket, the cluster's secrets and the nodes' disks. Its key policy must let EC2 Auto Scaling's service-linked role use it; the documentation has the policy. Leave empty for keys that AWS manages. It cannot be changed later: a cluster keeps the key of its secrets for good, or has none."
       }
      ]
     },
     {
      "label": "Charts and artefacts",
      "parameters": [
       {
        "name": "WorkspaceChartVersion",
        "label": "Workspace chart version",
        "type": "String",
        "default": "2.1.12",
        "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$",
        "constraint": "A version such as 2.1.12.",
        "description": "Version of e6data's workspace Helm chart."
       },
       {
        "name": "KarpenterVersion",
        "label": "Karpenter version",
        "type": "String",
        "default": "1.14.0",
        "values": [
         "1.14.0"
        ],
        "constraint": "One of \"1.14.0\".",
        "description": "Version of Karpenter, which starts and ends the query engine's nodes. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerVersion",
        "label": "AWS Load Balancer Controller version",
        "type": "String",
        "default": "3.5.0",
        "values": [
         "3.5.0"
        ],
        "constraint": "One of \"3.5.0\".",
        "description": "Version of the AWS Load Balancer Controller, which makes the workspace's load balancers. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerNamespace",
        "label": "AWS Load Balancer Controller namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the AWS Load Balancer Controller on the cluster. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "KarpenterNamespace",
        "label": "Karpenter's namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Kubernetes namespace of Karpenter. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "ChartSource",
        "label": "Where the Helm charts are",
        "type": "String",
        "default": "Public",
        "pattern": "^(Public|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*|oci://[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._-]+)*)$",
        "constraint": "Public, s3://bucket/prefix or oci://registry/path, without a slash at the end.",
        "description": "Public: the charts' public repositories. Else a copy of them: s3://bucket/prefix with files named chart-version.tgz, or oci://registry/path of a registry that anybody may read."
       },
       {
        "name": "ImageRegistry",
        "label": "Where the container images are",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "constraint": "A registry's host name, perhaps with a port and a path in lower case, without https:// and without a slash at the end.",
        "description": "Registry, with an optional path, that has copies of the controllers' images under their own paths, such as 111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror with karpenter/controller below it. Leave empty for the public registries."
       },
       {
        "name": "HttpsProxy",
        "label": "Proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
        "constraint": "http:// or https://, a host name or address, and a port. User names and passwords cannot be given: parameters are no place for secrets.",
        "description": "Address of the proxy through which the functions in the VPC, Karpenter and the nodes reach AWS and the registries, such as http://proxy.example.com:3128. It must reach all AWS APIs and take no password. Leave empty for none.",
        "maxLength": 300
       },
       {
        "name": "NoProxy",
        "label": "Reached without the proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9._:/-]+(,[A-Za-z0-9._:/-]+)*$",
        "constraint": "Host names, domains and address blocks, comma-separated, without spaces, 2000 characters at most.",
        "description": "Hosts, domains and address blocks that are reached without the proxy, comma-separated. Private addresses, the cluster and instance metadata always are. Add s3.\u003cregion\u003e.amazonaws.com if your VPC has an endpoint for Amazon S3.",
        "maxLength": 2000
       },
       {
        "name": "Version",
        "label": "Version of this quickstart",
        "type": "String",
        "default": "0.1.0",
        "values": [
         "0.1.0"
        ],
        "constraint": "This template is of version 0.1.0, and needs the functions of that version: choose 0.1.0.",
        "description": "Version of this quickstart whose functions and nested template are used: the template's own. An update to another version's template changes it to that one."
       },
       {
        "name": "ArtifactBucket",
        "label": "Bucket with this quickstart's files",
        "type": "String",
        "default": "",
        "pattern": "^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "The name of an S3 bucket.",
        "description": "Bucket, in this region, with a copy of this quickstart's files under \u003cversion\u003e/. For accounts without internet access. Leave empty for e6data's own."
       },
       {
        "name": "FunctionArchitecture",
        "label": "Architecture of the functions",
        "type": "String",
        "default": "arm64",
        "values": [
         "arm64",
         "x86_64"
        ],
        "constraint": "One of \"arm64\", \"x86_64\".",
        "description": "Processor architecture of this stack's Lambda functions. arm64 is cheaper; x86_64 is for regions without it."
       },
       {
        "name": "ConsoleHost",
        "label": "e6data console",
        "type": "String",
        "default": "console.e6data.com",
        "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$",
        "constraint": "A host name such as console.e6data.com.",
        "description": "Host name of the e6data console, for the link in the outputs of the stack."
       },
       {
        "name": "CallbackUrl",
        "label": "Address that is told the results",
        "type": "String",
        "default": "",
        "pattern": "^$|^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._~-]+)*/?$",
        "constraint": "An https address with a host name, without user, query and fragment, such as https://hooks.example.com/workspaces.",
        "description": "Address to which the finished workspace's description is posted, the external ID with it, and a proof that it comes from this account. Leave empty to post nothing, and paste the output WorkspaceConfig into the console instead.",
        "maxLength": 1000
       }
      ]
     }
    ]
   },
   "makes": [
    {
     "count": 1,
     "what": "network (a nested stack): public and private subnets in 2 to 6 zones with their routes and a way out"
    },
    {
     "count": 1,
     "what": "EKS cluster"
    },
    {
     "count": 1,
     "what": "managed node group, for controllers"
    },
    {
     "count": 4,
     "what": "EKS add-ons",
     "names": [
      "aws-ebs-csi-driver",
      "coredns",
      "kube-proxy",
      "vpc-cni"
     ]
    },
    {
     "count": 5,
     "what": "Helm releases on the cluster",
     "names": [
      "\u003cworkspace name\u003e",
      "aws-load-balancer-controller",
      "e6data-\u003cworkspace name\u003e",
      "karpenter",
      "karpenter-crd"
     ]
    },
    {
     "count": 2,
     "what": "S3 buckets, kept when the stack is deleted"
    },
    {
     "count": 11,
     "what": "IAM roles"
    },
    {
     "count": 2,
     "what": "Lambda functions that set up the rest"
    },
    {
     "count": 1,
     "what": "OIDC provider, with which pods get their roles"
    },
    {
     "count": 4,
     "what": "access entries of the cluster"
    },
    {
     "count": 1,
     "what": "security group"
    },
    {
     "count": 1,
     "what": "SQS queue, for Karpenter"
    },
    {
     "count": 5,
     "what": "EventBridge rules, for Karpenter"
    },
    {
     "count": 3,
     "what": "log groups"
    }
   ],
   "roles": [
    {
     "id": "ClusterRole",
     "description": "Control plane of the e6data EKS cluster",
     "managed": [
      "AmazonEKSClusterPolicy"
     ],
     "statements": []
    },
    {
     "id": "CrossAccountRole",
     "description": "e6data control plane: cluster, endpoints and metrics of the workspace, and the workspace bucket",
     "statements": [
      {
       "sid": "CreateLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer"
       ]
      },
      {
       "sid": "CreateWebAcls",
       "actions": [
        "wafv2:CreateWebACL",
        "wafv2:CreateIPSet"
       ]
      },
      {
       "sid": "DeleteLoadBalancers",
       "actions": [
        "elasticloadbalancing:DeleteLoadBalancer"
       ]
      },
      {
       "sid": "DescribeCluster",
       "actions": [
        "eks:DescribeCluster",
        "eks:ListNodegroups"
       ]
      },
      {
       "sid": "DescribeNodeGroups",
       "actions": [
        "eks:DescribeNodegroup"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ManageWebAcls",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:UpdateWebACL",
        "wafv2:DeleteWebACL",
        "wafv2:GetIPSet",
        "wafv2:UpdateIPSet",
        "wafv2:DeleteIPSet"
       ]
      },
      {
       "sid": "ProtectLoadBalancers",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:DisassociateWebACL",
        "elasticloadbalancing:SetWebAcl",
        "elasticloadbalancing:CreateWebACLAssociation",
        "elasticloadbalancing:DeleteWebACLAssociation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "ReadNetworkAndMetrics",
       "actions": [
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "cloudwatch:GetMetricStatistics"
       ]
      },
      {
       "sid": "ReadQuotas",
       "actions": [
        "servicequotas:GetServiceQuota"
       ]
      },
      {
       "sid": "ReadWebAclOfLoadBalancers",
       "actions": [
        "wafv2:GetWebACLForResource",
        "elasticloadbalancing:GetLoadBalancerWebACL"
       ]
      },
      {
       "sid": "ReadWebAcls",
       "actions": [
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource"
       ]
      },
      {
       "sid": "TagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewWebAcls",
       "actions": [
        "wafv2:TagResource"
       ]
      },
      {
       "sid": "TagWebAcls",
       "actions": [
        "wafv2:TagResource",
        "wafv2:UntagResource"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseManagedRules",
       "actions": [
        "wafv2:UpdateWebACL"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      }
     ]
    },
    {
     "id": "EbsCsiRole",
     "description": "EBS CSI driver of the e6data cluster: makes and attaches the volumes of pods",
     "managed": [
      "AmazonEBSCSIDriverPolicyV2"
     ],
     "statements": [
      {
       "sid": "LendKeyToVolumes",
       "actions": [
        "kms:CreateGrant"
       ]
      },
      {
       "sid": "UseKeyForVolumes",
       "actions": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo"
       ]
      }
     ]
    },
    {
     "id": "EngineRole",
     "description": "e6data query engine: reads the data buckets, reads and writes the workspace bucket",
     "statements": [
      {
       "sid": "ListDataBuckets",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ReadCatalog",
       "actions": [
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetTable",
        "glue:GetTables",
        "glue:GetPartitions"
       ]
      },
      {
       "sid": "ReadData",
       "actions": [
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      },
      {
       "sid": "WriteSystemTables",
       "actions": [
        "sts:AssumeRole",
        "sts:TagSession"
       ]
      },
      {
       "sid": "WriteTables",
       "actions": [
        "glue:CreateTable",
        "glue:UpdateTable",
        "glue:DeleteTable"
       ]
      }
     ]
    },
    {
     "id": "HelmInstallerRole",
     "description": "e6data: installs Helm charts on the cluster",
     "statements": [
      {
       "sid": "ButNotFromCode",
       "deny": true,
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "ReadCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "UseNetworkInterfaces",
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    },
    {
     "id": "KarpenterControllerRole",
     "description": "Karpenter's controller: starts and ends the nodes of the e6data query engine",
     "statements": [
      {
       "sid": "AllowAPIServerEndpointDiscovery",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "AllowInstanceProfileReadActions",
       "actions": [
        "iam:GetInstanceProfile"
       ]
      },
      {
       "sid": "AllowInterruptionQueueActions",
       "actions": [
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage"
       ]
      },
      {
       "sid": "AllowPassingInstanceRole",
       "actions": [
        "iam:PassRole"
       ]
      },
      {
       "sid": "AllowPricingReadActions",
       "actions": [
        "pricing:GetProducts"
       ]
      },
      {
       "sid": "AllowRegionalReadActions",
       "actions": [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets"
       ]
      },
      {
       "sid": "AllowSSMReadActions",
       "actions": [
        "ssm:GetParameter"
       ]
      },
      {
       "sid": "AllowScopedDeletion",
       "actions": [
        "ec2:TerminateInstances",
        "ec2:DeleteLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceActionsWithTags",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2LaunchTemplateAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedResourceCreationTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowScopedResourceTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowUnscopedInstanceProfileListAction",
       "actions": [
        "iam:ListInstanceProfiles"
       ]
      },
      {
       "sid": "AllowZonalShiftStatusReadOnly",
       "actions": [
        "arc-zonal-shift:GetManagedResource"
       ]
      },
      {
       "sid": "LendKeyToVolumes",
       "actions": [
        "kms:CreateGrant"
       ]
      },
      {
       "sid": "MakeServiceLinkedRoleForSpot",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "UseKeyForVolumes",
       "actions": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo"
       ]
      }
     ]
    },
    {
     "id": "KarpenterNodeRole",
     "description": "Nodes of the e6data query engine, started by Karpenter",
     "managed": [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryReadOnly",
      "AmazonSSMManagedInstanceCore"
     ],
     "statements": []
    },
    {
     "id": "LoadBalancerControllerRole",
     "description": "AWS Load Balancer Controller of the e6data cluster: makes and changes its load balancers",
     "statements": [
      {
       "sid": "ChangeListeners",
       "actions": [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:SetRulePriorities",
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteRule"
       ]
      },
      {
       "sid": "ChangeLoadBalancers",
       "actions": [
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
        "elasticloadbalancing:ModifyCapacityReservation",
        "elasticloadbalancing:ModifyIpPools",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets"
       ]
      },
      {
       "sid": "ChangeSecurityGroups",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup"
       ]
      },
      {
       "sid": "FindCertificates",
       "actions": [
        "acm:ListCertificates"
       ]
      },
      {
       "sid": "LetLoadBalancersInToNodes",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress"
       ]
      },
      {
       "sid": "MakeLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup"
       ]
      },
      {
       "sid": "MakeServiceLinkedRole",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "MakeTaggedSecurityGroups",
       "actions": [
        "ec2:CreateSecurityGroup"
       ]
      },
      {
       "sid": "Read",
       "actions": [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "ec2:DescribeIpamPools",
        "ec2:DescribeRouteTables",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeListenerCertificates",
        "elasticloadbalancing:DescribeSSLPolicies",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTrustStores",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeCapacityReservation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "RetagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "RetagSecurityGroups",
       "actions": [
        "ec2:CreateTags",
        "ec2:DeleteTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewSecurityGroups",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "UseVpc",
       "actions": [
        "ec2:CreateSecurityGroup",
        "ec2:GetSecurityGroupsForVpc"
       ]
      }
     ]
    },
    {
     "id": "NodeRole",
     "description": "Nodes of the e6data cluster's managed node group",
     "managed": [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryReadOnly",
      "AmazonSSMManagedInstanceCore"
     ],
     "statements": []
    },
    {
     "id": "OutputsFunctionRole",
     "description": "e6data: looks at the account, plans the network and writes the outputs of the stack",
     "statements": [
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindBoundary",
       "actions": [
        "iam:GetPolicy"
       ]
      },
      {
       "sid": "FindCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindServicesRoles",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "ReadGivenSubnets",
       "actions": [
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeSecurityGroupRules"
       ]
      },
      {
       "sid": "ReadKeySettings",
       "actions": [
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:ListGrants"
       ]
      },
      {
       "sid": "ReadNetwork",
       "actions": [
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeVpcs",
        "ec2:DescribeSubnets",
        "ec2:DescribeInternetGateways"
       ]
      },
      {
       "sid": "ReadOwnStatus",
       "actions": [
        "cloudformation:DescribeStacks"
       ]
      },
      {
       "sid": "ReadOwnStatus",
       "actions": [
        "cloudformation:DescribeStacks"
       ]
      },
      {
       "sid": "ReadUse",
       "actions": [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeAddresses",
        "ec2:DescribeNatGateways",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstanceTypeOfferings",
        "eks:DescribeClusterVersions",
        "servicequotas:GetServiceQuota",
        "logs:DescribeLogGroups"
       ]
      },
      {
       "sid": "ReadVpc",
       "actions": [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeVpcs",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstanceTypeOfferings",
        "eks:DescribeClusterVersions",
        "servicequotas:GetServiceQuota",
        "logs:DescribeLogGroups"
       ]
      },
      {
       "sid": "ReadVpcSettings",
       "actions": [
        "ec2:DescribeVpcAttribute"
       ]
      },
      {
       "sid": "ReadVpcSettings",
       "actions": [
        "ec2:DescribeVpcAttribute"
       ]
      },
      {
       "sid": "TellMissingCharts",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    },
    {
     "id": "VpcCniRole",
     "description": "VPC CNI of the e6data cluster: gives pods addresses of the VPC",
     "managed": [
      "AmazonEKS_CNI_Policy"
     ],
     "statements": []
    }
   ],
   "costs": [
    {
     "what": "EKS cluster",
     "how": "730 hours at $0.10; at $0.60 once its Kubernetes version is out of standard support",
     "usd": 73,
     "price": "https://aws.amazon.com/eks/pricing/"
    },
    {
     "what": "Nodes of the managed node group",
     "how": "2 × t4g.medium on demand, 730 hours at $0.0336",
     "usd": 49.056,
     "price": "https://aws.amazon.com/ec2/pricing/on-demand/"
    },
    {
     "what": "Their disks",
     "how": "2 × 20 GiB of gp3 at $0.08",
     "usd": 3.2,
     "price": "https://aws.amazon.com/ebs/pricing/"
    },
    {
     "what": "NAT gateway with its public address",
     "how": "730 hours at $0.045 and $0.005, besides $0.045 for each GB through it",
     "usd": 36.5,
     "price": "https://aws.amazon.com/vpc/pricing/",
     "perZone": true,
     "unless": "PrivateSubnetIds"
    }
   ]
  },
  {
   "name": "existing-eks",
   "title": "On an EKS cluster that I have",
   "template": "templates/existing-eks.yaml",
   "capability": "CAPABILITY_NAMED_IAM",
   "form": {
    "description": "e6data workspace: what the e6data query engine needs on an existing EKS cluster.",
    "groups": [
     {
      "label": "Workspace",
      "parameters": [
       {
        "name": "WorkspaceName",
        "label": "Workspace name",
        "type": "String",
        "pattern": "^[a-z][a-z0-9-]{1,18}[a-z0-9]$",
        "constraint": "3 to 20 lower-case letters, digits and hyphens; a letter first, no hyphen at the end.",
        "description": "Name of the e6data workspace, as it will stand in the e6data console. Names in Kubernetes and tags in AWS are made from it."
       },
       {
        "name": "DataBucketNames",
        "label": "Data buckets",
        "type": "CommaDelimitedList",
        "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "Names of S3 buckets, comma-separated: 3 to 63 lower-case letters, digits, dots and hyphens each. All buckets (*) cannot be given.",
        "description": "S3 buckets that hold the data to query, comma-separated. The query engine may read these buckets and no others."
       },
       {
        "name": "GlueAccess",
        "label": "AWS Glue Data Catalog",
        "type": "String",
        "default": "ReadOnly",
        "values": [
         "ReadOnly",
         "ReadWrite"
        ],
        "constraint": "One of \"ReadOnly\", \"ReadWrite\".",
        "description": "What the query engine may do in this account's Glue Data Catalog. ReadWrite lets it create, change and delete tables."
       },
       {
        "name": "KubernetesNamespace",
        "label": "Kubernetes namespace",
        "type": "String",
        "default": "e6data",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the workspace on the cluster. It is made if it does not exist."
       },
       {
        "name": "DebugNamespaces",
        "label": "Namespaces e6data may inspect",
        "type": "CommaDelimitedList",
        "default": "kube-system",
        "pattern": "^$|^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "Names of namespaces, comma-separated.",
        "description": "Namespaces in which e6data's support may read pods and logs, comma-separated. Leave empty for none."
       }
      ]
     },
     {
      "label": "Your EKS cluster",
      "parameters": [
       {
        "name": "ExistingClusterName",
        "label": "Name of the cluster",
        "type": "String",
        "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$",
        "constraint": "The name of an EKS cluster: up to 100 letters, digits, hyphens and underscores.",
        "description": "Name of your EKS cluster, in this account and region. It cannot be changed later."
       },
       {
        "name": "PrivateSubnetIds",
        "label": "Subnets",
        "type": "String",
        "default": "",
        "pattern": "^$|^subnet-([0-9a-f]{8}|[0-9a-f]{17})( *, *subnet-([0-9a-f]{8}|[0-9a-f]{17}))*$",
        "constraint": "IDs of subnets such as subnet-0123456789abcdef0, comma-separated.",
        "description": "Private subnets of the cluster's VPC for this stack's functions and the query engine's nodes, comma-separated. They need a way out to the internet, or endpoints in its place. Leave empty for those subnets of the cluster that have one."
       },
       {
        "name": "KarpenterOnCluster",
        "label": "Karpenter",
        "type": "String",
        "default": "Existing",
        "values": [
         "Existing",
         "Install"
        ],
        "constraint": "One of \"Existing\", \"Install\".",
        "description": "Existing: your Karpenter, version 1.0 or later, starts the query engine's nodes, by a NodePool and an EC2NodeClass of their own. Install: the cluster has none, and this stack installs it."
       },
       {
        "name": "KarpenterControllerRoleName",
        "label": "Role of your Karpenter",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9+=,.@_-]{1,64}$",
        "constraint": "The name of an IAM role, not its ARN, without its path: up to 64 letters, digits and the characters +=,.@_-",
        "description": "Name, without path, of the IAM role of your Karpenter. It gets one inline policy, which lets it use the role of the query engine's nodes, and loses it with this stack. Leave empty to add the policy yourself: it is an output of the stack."
       },
       {
        "name": "LoadBalancerControllerOnCluster",
        "label": "AWS Load Balancer Controller",
        "type": "String",
        "default": "Existing",
        "values": [
         "Existing",
         "Install"
        ],
        "constraint": "One of \"Existing\", \"Install\".",
        "description": "Existing: your AWS Load Balancer Controller, version 2.4 or later, makes the workspace's load balancers. Install: the cluster has none, and this stack installs it."
       },
       {
        "name": "ClusterAdminRoleArn",
        "label": "A role that is administrator of the cluster",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM role, such as arn:aws:iam::111122223333:role/Admin.",
        "description": "Only for clusters of the authentication mode CONFIG_MAP: ARN of an IAM role that aws-auth has as an administrator, and whose trust policy lets the role e6data-\u003cworkspace name\u003e-installer-\u003cregion\u003e assume it. With it this stack adds its own roles to aws-auth. Leave empty if that role itself is in aws-auth."
       },
       {
        "name": "AllowAuthModeChange",
        "label": "Switch to access entries",
        "type": "String",
        "default": "No",
        "values": [
         "No",
         "Yes"
        ],
        "constraint": "One of \"No\", \"Yes\".",
        "description": "Only for clusters of the authentication mode CONFIG_MAP: Yes lets this stack switch the cluster to API_AND_CONFIG_MAP if there is no other way in. aws-auth goes on to count, but EKS cannot switch back."
       }
      ]
     },
     {
      "label": "Nodes of the query engine",
      "parameters": [
       {
        "name": "NodeInstanceFamilies",
        "label": "EC2 instance families",
        "type": "CommaDelimitedList",
        "default": "t4g,c7g,c7gd,c6g,c6gd,c8g,r6g,r6gd,r7g,r7gd,r8g,i8g",
        "pattern": "^[a-z][a-z0-9-]{1,15}$",
        "constraint": "Names of EC2 instance families such as c7g, comma-separated.",
        "description": "EC2 instance families from which Karpenter takes nodes for the query engine, comma-separated."
       },
       {
        "name": "NodeArchitectures",
        "label": "Processor architectures",
        "type": "String",
        "default": "arm64,amd64",
        "values": [
         "arm64,amd64",
         "arm64",
         "amd64"
        ],
        "constraint": "One of \"arm64,amd64\", \"arm64\", \"amd64\".",
        "description": "Processor architectures that the families above may have. The default lets the families decide; with one architecture, a family of the other is refused."
       },
       {
        "name": "NodeCapacityTypes",
        "label": "On-demand or Spot",
        "type": "String",
        "default": "on-demand",
        "values": [
         "on-demand",
         "spot,on-demand",
         "spot"
        ],
        "constraint": "One of \"on-demand\", \"spot,on-demand\", \"spot\".",
        "description": "How the query engine's nodes are bought. Spot is cheaper, but AWS may take a node back within two minutes, and queries on it fail."
       },
       {
        "name": "NodePoolCpuLimit",
        "label": "Largest number of vCPUs",
        "type": "Number",
        "default": "100000",
        "constraint": "A number from 2 to 1000000.",
        "description": "The query engine's nodes together never have more vCPUs than this.",
        "min": 2,
        "max": 1000000
       },
       {
        "name": "NodeDiskGiB",
        "label": "Disk of a node, GiB",
        "type": "Number",
        "default": "100",
        "constraint": "A number of GiB from 100 to 16384.",
        "description": "Size of the encrypted gp3 root volume of each node of the query engine.",
        "min": 100,
        "max": 16384
       },
       {
        "name": "NodeAmiVersion",
        "label": "Image of the nodes",
        "type": "String",
        "default": "latest",
        "pattern": "^(latest|v20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))$",
        "constraint": "latest, or a version such as v20260915.",
        "description": "Version of AWS's EKS image of Amazon Linux 2023 for the query engine's nodes, such as v20260915. With latest, nodes are replaced by newer images a few at a time, between 02:00 and 06:00 UTC."
       },
       {
        "name": "NodeTags",
        "label": "Tags of what the cluster makes",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*(,[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*){0,9}$",
        "constraint": "At most 10 tags key=value, comma-separated. Keys have letters, digits, spaces and + . _ @ -; values may also have : and /.",
        "description": "Tags such as team=data,cost-center=42 for what the stack's own tags do not reach, at most 10: the instances and disks of nodes with their network interfaces, load balancers, and the volumes of pods. Of nodes app and Name are e6data's, of load balancers app.",
        "maxLength": 2000
       }
      ]
     },
     {
      "label": "Access for e6data and for you",
      "parameters": [
       {
        "name": "ControlPlanePrincipalArn",
        "label": "e6data's control plane",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$",
        "constraint": "The ARN of an IAM role, a user or an account's root.",
        "description": "ARN of the principal of e6data's control plane that may assume the cross-account role. Leave empty for e6data's production account."
       },
       {
        "name": "ExternalId",
        "label": "External ID",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9_+=,.@:/-]{2,}$",
        "constraint": "2 to 1224 letters, digits and the characters _+=,.@:/-",
        "description": "External ID that the control plane must show when it assumes the cross-account role. Leave empty for one that is unique to this stack. Set it to rotate it.",
        "maxLength": 1224
       },
       {
        "name": "PermissionsBoundaryArn",
        "label": "Permissions boundary",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM managed policy.",
        "description": "ARN of a managed policy to set as permissions boundary on every role of this stack. Leave empty for none."
       },
       {
        "name": "RolePath",
        "label": "Path of the roles",
        "type": "String",
        "default": "/",
        "pattern": "^/([A-Za-z0-9+=,.@_-]+/)*$",
        "constraint": "A path that begins and ends with a slash, such as /e6data/, of 512 characters at most.",
        "description": "IAM path of every role of this stack.",
        "maxLength": 512
       },
       {
        "name": "KmsKeyArn",
        "label": "KMS key",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:kms:[a-z]{2,}(-[a-z]+)+-[0-9]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        "constraint": "The ARN of a KMS key (not of an alias), such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab.",
        "description": "ARN of a symmetric KMS key of your own, in this region, that encrypts the workspace bucket and the disks of the query engine's nodes. Its key policy must let EC2's users in this account use it; the documentation has the policy. Leave empty for keys that AWS manages. It cannot be changed later."
       },
       {
        "name": "AdminPrincipalArn",
        "label": "Cluster administrator",
        "type": "String",
        "default": "",
        "pattern": "^$|^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$",
        "constraint": "The ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/Admin.",
        "description": "ARN of an IAM role or user that becomes administrator of the cluster. Leave empty for none: whoever creates this stack gets no rights on the cluster by that alone."
       },
       {
        "name": "LogRetentionDays",
        "label": "Days to keep logs",
        "type": "Number",
        "default": "30",
        "values": [
         "1",
         "3",
         "5",
         "7",
         "14",
         "30",
         "60",
         "90",
         "120",
         "150",
         "180",
         "365",
         "400",
         "545",
         "731",
         "1096",
         "1827",
         "2192",
         "2557",
         "2922",
         "3288",
         "3653"
        ],
        "constraint": "One of \"1\", \"3\", \"5\", \"7\", \"14\", \"30\", \"60\", \"90\", \"120\", \"150\", \"180\", \"365\", \"400\", \"545\", \"731\", \"1096\", \"1827\", \"2192\", \"2557\", \"2922\", \"3288\", \"3653\".",
        "description": "How many days CloudWatch Logs keeps the logs of this stack's functions."
       }
      ]
     },
     {
      "label": "Charts and artefacts",
      "parameters": [
       {
        "name": "WorkspaceChartVersion",
        "label": "Workspace chart version",
        "type": "String",
        "default": "2.1.12",
        "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$",
        "constraint": "A version such as 2.1.12.",
        "description": "Version of e6data's workspace Helm chart."
       },
       {
        "name": "KarpenterVersion",
        "label": "Karpenter version",
        "type": "String",
        "default": "1.14.0",
        "values": [
         "1.14.0"
        ],
        "constraint": "One of \"1.14.0\".",
        "description": "Version of Karpenter, which starts and ends the query engine's nodes. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerVersion",
        "label": "AWS Load Balancer Controller version",
        "type": "String",
        "default": "3.5.0",
        "values": [
         "3.5.0"
        ],
        "constraint": "One of \"3.5.0\".",
        "description": "Version of the AWS Load Balancer Controller, which makes the workspace's load balancers. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with."
       },
       {
        "name": "LoadBalancerControllerNamespace",
        "label": "AWS Load Balancer Controller namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Namespace of the AWS Load Balancer Controller on the cluster. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "KarpenterNamespace",
        "label": "Karpenter's namespace",
        "type": "String",
        "default": "kube-system",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "constraint": "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
        "description": "Kubernetes namespace of Karpenter. It is made if it does not exist. It cannot be changed later."
       },
       {
        "name": "ChartSource",
        "label": "Where the Helm charts are",
        "type": "String",
        "default": "Public",
        "pattern": "^(Public|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*|oci://[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._-]+)*)$",
        "constraint": "Public, s3://bucket/prefix or oci://registry/path, without a slash at the end.",
        "description": "Public: the charts' public repositories. Else a copy of them: s3://bucket/prefix with files named chart-version.tgz, or oci://registry/path of a registry that anybody may read."
       },
       {
        "name": "ImageRegistry",
        "label": "Where the container images are",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9][A-Za-z0-9.-]*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "constraint": "A registry's host name, perhaps with a port and a path in lower case, without https:// and without a slash at the end.",
        "description": "Registry, with an optional path, that has copies of the controllers' images under their own paths, such as 111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror with karpenter/controller below it. Leave empty for the public registries."
       },
       {
        "name": "HttpsProxy",
        "label": "Proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
        "constraint": "http:// or https://, a host name or address, and a port. User names and passwords cannot be given: parameters are no place for secrets.",
        "description": "Address of the proxy through which the functions in the VPC, Karpenter and the nodes reach AWS and the registries, such as http://proxy.example.com:3128. It must reach all AWS APIs and take no password. Leave empty for none.",
        "maxLength": 300
       },
       {
        "name": "NoProxy",
        "label": "Reached without the proxy",
        "type": "String",
        "default": "",
        "pattern": "^$|^[A-Za-z0-9._:/-]+(,[A-Za-z0-9._:/-]+)*$",
        "constraint": "Host names, domains and address blocks, comma-separated, without spaces, 2000 characters at most.",
        "description": "Hosts, domains and address blocks that are reached without the proxy, comma-separated. Private addresses, the cluster and instance metadata always are. Add s3.\u003cregion\u003e.amazonaws.com if your VPC has an endpoint for Amazon S3.",
        "maxLength": 2000
       },
       {
        "name": "Version",
        "label": "Version of this quickstart",
        "type": "String",
        "default": "0.1.0",
        "values": [
         "0.1.0"
        ],
        "constraint": "This template is of version 0.1.0, and needs the functions of that version: choose 0.1.0.",
        "description": "Version of this quickstart whose functions and nested template are used: the template's own. An update to another version's template changes it to that one."
       },
       {
        "name": "ArtifactBucket",
        "label": "Bucket with this quickstart's files",
        "type": "String",
        "default": "",
        "pattern": "^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "constraint": "The name of an S3 bucket.",
        "description": "Bucket, in this region, with a copy of this quickstart's files under \u003cversion\u003e/. For accounts without internet access. Leave empty for e6data's own."
       },
       {
        "name": "FunctionArchitecture",
        "label": "Architecture of the functions",
        "type": "String",
        "default": "arm64",
        "values": [
         "arm64",
         "x86_64"
        ],
        "constraint": "One of \"arm64\", \"x86_64\".",
        "description": "Processor architecture of this stack's Lambda functions. arm64 is cheaper; x86_64 is for regions without it."
       },
       {
        "name": "ConsoleHost",
        "label": "e6data console",
        "type": "String",
        "default": "console.e6data.com",
        "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$",
        "constraint": "A host name such as console.e6data.com.",
        "description": "Host name of the e6data console, for the link in the outputs of the stack."
       },
       {
        "name": "CallbackUrl",
        "label": "Address that is told the results",
        "type": "String",
        "default": "",
        "pattern": "^$|^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._~-]+)*/?$",
        "constraint": "An https address with a host name, without user, query and fragment, such as https://hooks.example.com/workspaces.",
        "description": "Address to which the finished workspace's description is posted, the external ID with it, and a proof that it comes from this account. Leave empty to post nothing, and paste the output WorkspaceConfig into the console instead.",
        "maxLength": 1000
       }
      ]
     }
    ]
   },
   "makes": [
    {
     "count": 5,
     "what": "Helm releases on the cluster",
     "names": [
      "\u003cworkspace name\u003e",
      "aws-load-balancer-controller",
      "e6data-\u003cworkspace name\u003e",
      "karpenter",
      "karpenter-crd"
     ]
    },
    {
     "count": 2,
     "what": "S3 buckets, kept when the stack is deleted"
    },
    {
     "count": 7,
     "what": "IAM roles"
    },
    {
     "count": 3,
     "what": "Lambda functions that set up the rest"
    },
    {
     "count": 4,
     "what": "ways into the cluster (access entries or lines in aws-auth)"
    },
    {
     "count": 1,
     "what": "SQS queue, for Karpenter"
    },
    {
     "count": 5,
     "what": "EventBridge rules, for Karpenter"
    },
    {
     "count": 3,
     "what": "log groups"
    }
   ],
   "roles": [
    {
     "id": "CrossAccountRole",
     "description": "e6data control plane: cluster, endpoints and metrics of the workspace, and the workspace bucket",
     "statements": [
      {
       "sid": "CreateLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer"
       ]
      },
      {
       "sid": "CreateWebAcls",
       "actions": [
        "wafv2:CreateWebACL",
        "wafv2:CreateIPSet"
       ]
      },
      {
       "sid": "DeleteLoadBalancers",
       "actions": [
        "elasticloadbalancing:DeleteLoadBalancer"
       ]
      },
      {
       "sid": "DescribeCluster",
       "actions": [
        "eks:DescribeCluster",
        "eks:ListNodegroups"
       ]
      },
      {
       "sid": "DescribeNodeGroups",
       "actions": [
        "eks:DescribeNodegroup"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ManageWebAcls",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:UpdateWebACL",
        "wafv2:DeleteWebACL",
        "wafv2:GetIPSet",
        "wafv2:UpdateIPSet",
        "wafv2:DeleteIPSet"
       ]
      },
      {
       "sid": "ProtectLoadBalancers",
       "actions": [
        "wafv2:AssociateWebACL",
        "wafv2:DisassociateWebACL",
        "elasticloadbalancing:SetWebAcl",
        "elasticloadbalancing:CreateWebACLAssociation",
        "elasticloadbalancing:DeleteWebACLAssociation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "ReadNetworkAndMetrics",
       "actions": [
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "cloudwatch:GetMetricStatistics"
       ]
      },
      {
       "sid": "ReadQuotas",
       "actions": [
        "servicequotas:GetServiceQuota"
       ]
      },
      {
       "sid": "ReadWebAclOfLoadBalancers",
       "actions": [
        "wafv2:GetWebACLForResource",
        "elasticloadbalancing:GetLoadBalancerWebACL"
       ]
      },
      {
       "sid": "ReadWebAcls",
       "actions": [
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource"
       ]
      },
      {
       "sid": "TagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewWebAcls",
       "actions": [
        "wafv2:TagResource"
       ]
      },
      {
       "sid": "TagWebAcls",
       "actions": [
        "wafv2:TagResource",
        "wafv2:UntagResource"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseManagedRules",
       "actions": [
        "wafv2:UpdateWebACL"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      }
     ]
    },
    {
     "id": "EngineRole",
     "description": "e6data query engine: reads the data buckets, reads and writes the workspace bucket",
     "statements": [
      {
       "sid": "ListDataBuckets",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ListWorkspaceBucket",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "ReadCatalog",
       "actions": [
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetTable",
        "glue:GetTables",
        "glue:GetPartitions"
       ]
      },
      {
       "sid": "ReadData",
       "actions": [
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion"
       ]
      },
      {
       "sid": "UseKeyForObjects",
       "actions": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
       ]
      },
      {
       "sid": "UseWorkspaceBucket",
       "actions": [
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion"
       ]
      },
      {
       "sid": "WriteSystemTables",
       "actions": [
        "sts:AssumeRole",
        "sts:TagSession"
       ]
      },
      {
       "sid": "WriteTables",
       "actions": [
        "glue:CreateTable",
        "glue:UpdateTable",
        "glue:DeleteTable"
       ]
      }
     ]
    },
    {
     "id": "InstallerRole",
     "description": "e6data: installs Helm charts on the cluster and lets the workspace's principals in",
     "statements": [
      {
       "sid": "ActAsClusterAdmin",
       "actions": [
        "sts:AssumeRole"
       ]
      },
      {
       "sid": "AdmitAccessEntries",
       "actions": [
        "eks:UpdateClusterConfig"
       ]
      },
      {
       "sid": "ButNotFromCode",
       "deny": true,
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "ChangeOwnEntries",
       "actions": [
        "eks:UpdateAccessEntry",
        "eks:DeleteAccessEntry"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "FollowUpdate",
       "actions": [
        "eks:DescribeUpdate"
       ]
      },
      {
       "sid": "LetIn",
       "actions": [
        "eks:CreateAccessEntry"
       ]
      },
      {
       "sid": "MakeAdministrators",
       "actions": [
        "eks:AssociateAccessPolicy",
        "eks:DisassociateAccessPolicy"
       ]
      },
      {
       "sid": "MarkEntries",
       "actions": [
        "eks:TagResource"
       ]
      },
      {
       "sid": "ReadCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "ReadEntries",
       "actions": [
        "eks:DescribeAccessEntry",
        "eks:ListAssociatedAccessPolicies"
       ]
      },
      {
       "sid": "UseNetworkInterfaces",
       "actions": [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    },
    {
     "id": "KarpenterControllerRole",
     "description": "Karpenter's controller: starts and ends the nodes of the e6data query engine",
     "optional": true,
     "statements": [
      {
       "sid": "AllowAPIServerEndpointDiscovery",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "AllowInstanceProfileReadActions",
       "actions": [
        "iam:GetInstanceProfile"
       ]
      },
      {
       "sid": "AllowInterruptionQueueActions",
       "actions": [
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage"
       ]
      },
      {
       "sid": "AllowPassingInstanceRole",
       "actions": [
        "iam:PassRole"
       ]
      },
      {
       "sid": "AllowPricingReadActions",
       "actions": [
        "pricing:GetProducts"
       ]
      },
      {
       "sid": "AllowRegionalReadActions",
       "actions": [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets"
       ]
      },
      {
       "sid": "AllowSSMReadActions",
       "actions": [
        "ssm:GetParameter"
       ]
      },
      {
       "sid": "AllowScopedDeletion",
       "actions": [
        "ec2:TerminateInstances",
        "ec2:DeleteLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedEC2InstanceActionsWithTags",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate"
       ]
      },
      {
       "sid": "AllowScopedEC2LaunchTemplateAccessActions",
       "actions": [
        "ec2:RunInstances",
        "ec2:CreateFleet"
       ]
      },
      {
       "sid": "AllowScopedResourceCreationTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowScopedResourceTagging",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "AllowUnscopedInstanceProfileListAction",
       "actions": [
        "iam:ListInstanceProfiles"
       ]
      },
      {
       "sid": "AllowZonalShiftStatusReadOnly",
       "actions": [
        "arc-zonal-shift:GetManagedResource"
       ]
      },
      {
       "sid": "LendKeyToVolumes",
       "actions": [
        "kms:CreateGrant"
       ]
      },
      {
       "sid": "MakeServiceLinkedRoleForSpot",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "UseKeyForVolumes",
       "actions": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo"
       ]
      }
     ]
    },
    {
     "id": "KarpenterNodeRole",
     "description": "Nodes of the e6data query engine, started by Karpenter",
     "managed": [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryReadOnly",
      "AmazonSSMManagedInstanceCore"
     ],
     "statements": []
    },
    {
     "id": "LoadBalancerControllerRole",
     "description": "AWS Load Balancer Controller of the e6data cluster: makes and changes its load balancers",
     "optional": true,
     "statements": [
      {
       "sid": "ChangeListeners",
       "actions": [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:SetRulePriorities",
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteRule"
       ]
      },
      {
       "sid": "ChangeLoadBalancers",
       "actions": [
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
        "elasticloadbalancing:ModifyCapacityReservation",
        "elasticloadbalancing:ModifyIpPools",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets"
       ]
      },
      {
       "sid": "ChangeSecurityGroups",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup"
       ]
      },
      {
       "sid": "FindCertificates",
       "actions": [
        "acm:ListCertificates"
       ]
      },
      {
       "sid": "LetLoadBalancersInToNodes",
       "actions": [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress"
       ]
      },
      {
       "sid": "MakeLoadBalancers",
       "actions": [
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup"
       ]
      },
      {
       "sid": "MakeServiceLinkedRole",
       "actions": [
        "iam:CreateServiceLinkedRole"
       ]
      },
      {
       "sid": "MakeTaggedSecurityGroups",
       "actions": [
        "ec2:CreateSecurityGroup"
       ]
      },
      {
       "sid": "Read",
       "actions": [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "ec2:DescribeIpamPools",
        "ec2:DescribeRouteTables",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeListenerCertificates",
        "elasticloadbalancing:DescribeSSLPolicies",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTrustStores",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeCapacityReservation"
       ]
      },
      {
       "sid": "ReadCertificates",
       "actions": [
        "acm:DescribeCertificate"
       ]
      },
      {
       "sid": "RetagLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags"
       ]
      },
      {
       "sid": "RetagSecurityGroups",
       "actions": [
        "ec2:CreateTags",
        "ec2:DeleteTags"
       ]
      },
      {
       "sid": "TagNewLoadBalancers",
       "actions": [
        "elasticloadbalancing:AddTags"
       ]
      },
      {
       "sid": "TagNewSecurityGroups",
       "actions": [
        "ec2:CreateTags"
       ]
      },
      {
       "sid": "UseVpc",
       "actions": [
        "ec2:CreateSecurityGroup",
        "ec2:GetSecurityGroupsForVpc"
       ]
      }
     ]
    },
    {
     "id": "OutputsFunctionRole",
     "description": "e6data: looks at the account, plans the network and writes the outputs of the stack",
     "statements": [
      {
       "sid": "DeleteProvider",
       "actions": [
        "iam:DeleteOpenIDConnectProvider"
       ]
      },
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindAdmin",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindBoundary",
       "actions": [
        "iam:GetPolicy"
       ]
      },
      {
       "sid": "FindCharts",
       "actions": [
        "s3:GetObject"
       ]
      },
      {
       "sid": "FindCluster",
       "actions": [
        "eks:DescribeCluster"
       ]
      },
      {
       "sid": "FindClusterAdmin",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetUser"
       ]
      },
      {
       "sid": "FindControlPlane",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindInstallersRole",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindKarpentersRole",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "FindRolesThatTrustIt",
       "actions": [
        "iam:ListRoles"
       ]
      },
      {
       "sid": "FindServicesRoles",
       "actions": [
        "iam:GetRole"
       ]
      },
      {
       "sid": "MakeProvider",
       "actions": [
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider"
       ]
      },
      {
       "sid": "MarkProvider",
       "actions": [
        "iam:TagOpenIDConnectProvider"
       ]
      },
      {
       "sid": "ReadKeySettings",
       "actions": [
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:ListGrants"
       ]
      },
      {
       "sid": "ReadNetwork",
       "actions": [
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeNatGateways",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints"
       ]
      },
      {
       "sid": "ReadOwnStatus",
       "actions": [
        "cloudformation:DescribeStacks"
       ]
      },
      {
       "sid": "ReadProvider",
       "actions": [
        "iam:GetOpenIDConnectProvider"
       ]
      },
      {
       "sid": "ReadUse",
       "actions": [
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstanceTypeOfferings",
        "eks:DescribeClusterVersions",
        "servicequotas:GetServiceQuota"
       ]
      },
      {
       "sid": "TellMissingCharts",
       "actions": [
        "s3:ListBucket"
       ]
      },
      {
       "sid": "UnmarkProvider",
       "actions": [
        "iam:UntagOpenIDConnectProvider"
       ]
      },
      {
       "sid": "WriteOwnLogs",
       "actions": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
       ]
      }
     ]
    }
   ],
   "costs": []
  }
 ],
 "mapInstaller": "eksctl create iamidentitymapping --cluster {ExistingClusterName} --region {region} --arn arn:{partition}:iam::{account}:role/e6data-{WorkspaceName}-installer-{region} --username 'e6data-{WorkspaceName}-installer-{region}' --group system:masters --no-duplicate-arns"
}
