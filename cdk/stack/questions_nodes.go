package stack

func nodeQuestions() []parameter {
	return []parameter{
		{
			Name: "NodeInstanceFamilies", Label: "EC2 instance families", Type: typeList,
			Default:     "t4g,c7g,c7gd,c6g,c6gd,c8g,r6g,r6gd,r7g,r7gd,r8g,i8g",
			Description: "EC2 instance families from which Karpenter takes nodes for the query engine, comma-separated.",
			Pattern:     `^[a-z][a-z0-9-]{1,15}$`,
			Constraint:  "Names of EC2 instance families such as c7g, comma-separated.",
		},
		{
			Name: "NodeArchitectures", Label: "Processor architectures", Default: "arm64,amd64", Values: []string{"arm64,amd64", "arm64", "amd64"},
			Description: "Processor architectures that the families above may have. The default lets the families decide; with one architecture, a family of the other is refused.",
		},
		{
			Name: "NodeCapacityTypes", Label: "On-demand or Spot", Default: "on-demand", Values: []string{"on-demand", "spot,on-demand", "spot"},
			Description: "How the query engine's nodes are bought. Spot is cheaper, but AWS may take a node back within two minutes, and queries on it fail.",
		},
		{
			Name: "NodePoolCpuLimit", Label: "Largest number of vCPUs", Type: typeNumber, Default: 100000, Min: 2, Max: 1000000,
			Description: "The query engine's nodes together never have more vCPUs than this.",
			Constraint:  "A number from 2 to 1000000.",
		},
		{
			Name: "NodeDiskGiB", Label: "Disk of a node, GiB", Type: typeNumber, Default: 100, Min: 100, Max: 16384,
			Description: "Size of the encrypted gp3 root volume of each node of the query engine.",
			Constraint:  "A number of GiB from 100 to 16384.",
		},
		{
			Name: "NodeAmiVersion", Label: "Image of the nodes", Default: "latest",
			Description: "Version of AWS's EKS image of Amazon Linux 2023 for the query engine's nodes, such as v20260915. " +
				"With latest, nodes are replaced by newer images a few at a time, between 02:00 and 06:00 UTC.",
			Pattern:    `^(latest|v20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))$`,
			Constraint: "latest, or a version such as v20260915.",
		},
		{
			Name: "NodeTags", Label: "Tags of what the cluster makes", Default: "",
			Description: "Tags such as team=data,cost-center=42 for what the stack's own tags do not reach, at most 10: the instances and disks of nodes with their " +
				"network interfaces, load balancers, and the volumes of pods. Of nodes app and Name are e6data's, of load balancers app.",
			Pattern:    `^$|^` + patternTag + `(,` + patternTag + `){0,9}$`,
			MaxLength:  2000,
			Constraint: "At most 10 tags key=value, comma-separated. Keys have letters, digits, spaces and + . _ @ -; values may also have : and /.",
		},
	}
}

// patternTag is one tag key=value. Keys without colon and slash are none of
// AWS's, Kubernetes' or Karpenter's own.
const patternTag = `[A-Za-z0-9+._@-]+( [A-Za-z0-9+._@-]+)*=[A-Za-z0-9 +._@:/-]*`
