package template

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// partitions in which the templates must be valid.
var partitions = map[string]struct{ region, suffix string }{
	"aws":        {"us-east-1", "amazonaws.com"},
	"aws-cn":     {"cn-north-1", "amazonaws.com.cn"},
	"aws-us-gov": {"us-gov-west-1", "amazonaws.com"},
}

// servicePrincipals are the names that are the same in every partition; EC2's
// carries the partition's suffix, and sts is the audience of a service
// account's token. CloudFormation's is the value of aws:CalledVia, too. S3's access logs: in China too the principal is
// logging.s3.amazonaws.com
// (https://docs.amazonaws.cn/en_us/AmazonS3/latest/userguide/enable-server-access-logging.html).
var servicePrincipals = []string{
	"cloudformation.amazonaws.com", "eks.amazonaws.com", "eks-nodegroup.amazonaws.com", "elasticloadbalancing.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com", "logging.s3.amazonaws.com",
	"servicecatalog.amazonaws.com", "spot.amazonaws.com", "sts.amazonaws.com",
}

// managedPolicies are AWS's policies that the templates attach, and where else
// than in the commercial partition they are known to exist.
var managedPolicies = map[string]struct {
	in     []string
	source string
}{
	"AmazonEKSClusterPolicy":             {[]string{"aws-cn", "aws-us-gov"}, "eksctl and cluster-api-provider-aws attach it in both"},
	"AmazonEKSWorkerNodePolicy":          {[]string{"aws-cn", "aws-us-gov"}, "cluster-api-provider-aws attaches it in both"},
	"AmazonEKS_CNI_Policy":               {[]string{"aws-cn", "aws-us-gov"}, "cluster-api-provider-aws attaches it in both"},
	"AmazonEC2ContainerRegistryReadOnly": {[]string{"aws-cn", "aws-us-gov"}, "eksctl attaches it in both"},
	"AmazonSSMManagedInstanceCore":       {[]string{"aws-cn", "aws-us-gov"}, "the Systems Manager guides of both partitions name it"},
	// The EKS user guide recommends it since 2026 without a word on partitions;
	// nobody who attaches it in China or GovCloud was found.
	"AmazonEBSCSIDriverPolicyV2": {[]string{"aws-cn", "aws-us-gov"}, "EKS user guide, Amazon EBS CSI driver; not seen there in use"},
}

var (
	anyARN  = regexp.MustCompile(`\barn:([a-z*-]*):`)
	anyHost = regexp.MustCompile(`[a-z0-9.-]*amazonaws\.com(\.cn)?`)
)

// Evaluated in each partition, every ARN and every host is of that partition.
func TestTemplatesAreValidInEveryPartition(t *testing.T) {
	for partition, where := range partitions {
		for name := range everyAnswerSet() {
			t.Run(partition+", "+name, func(t *testing.T) {
				attached := map[string]bool{}
				for _, file := range files {
					answers, asked := answersOf(file)[name]
					if !asked {
						continue
					}
					r := newRun(t, file, answersIn(partition, answers))
					if strings.HasPrefix(file, "templates/network") {
						r.given = planOf(6, "PerZone")
					}
					r.inPartition(partition, where.region, where.suffix)
					everyText(r, func(at, text string) { checkPartition(t, file+", "+at, text, partition, where.suffix, attached) })
				}
				if len(attached) == 0 {
					t.Error("no managed policy of AWS found")
				}
			})
		}
	}
}

// The catalog's templates, too. No policy of AWS is attached by them.
func TestTheCatalogIsValidInEveryPartition(t *testing.T) {
	for partition, where := range partitions {
		t.Run(partition, func(t *testing.T) {
			texts := 0
			for _, r := range []*stackRun{
				newCatalog(t, answersIn(partition, map[string]string{"PrincipalArns": "arn:aws:iam::111122223333:role/Analysts"})),
				newRoles(t, answersIn(partition, catalogAnswers)),
			} {
				r.inPartition(partition, where.region, where.suffix)
				everyText(r, func(at, text string) {
					texts++
					checkPartition(t, at, text, partition, where.suffix, map[string]bool{})
				})
			}
			if texts < 1000 {
				t.Errorf("only %d texts were looked at", texts)
			}
		})
	}
}

// answersIn are a set's answers as they would be in another partition.
func answersIn(partition string, answers map[string]string) map[string]string {
	given := map[string]string{}
	for k, v := range answers {
		v = strings.ReplaceAll(strings.ReplaceAll(v, "arn:aws:", "arn:"+partition+":"), "us-east-1", partitions[partition].region)
		given[k] = strings.ReplaceAll(v, ".amazonaws.com", "."+partitions[partition].suffix)
	}
	return given
}

// everyText visits every text of the resources and outputs that exist, keys too.
func everyText(r *stackRun, visit func(at, text string)) {
	var deep func(at string, v any)
	deep = func(at string, v any) {
		switch x := v.(type) {
		case object:
			for k, e := range x {
				if k == "iam:PassedToService" {
					continue // names EC2 in all partitions
				}
				visit(at, k)
				deep(at+"."+k, e)
			}
		case []any:
			for _, e := range x {
				deep(at, e)
			}
		case string:
			if policy := opened(x); !same(policy, x) {
				deep(at, policy)
				return
			}
			visit(at, x)
		}
	}
	for id, resource := range section(r.template, "Resources") {
		if r.active(resource) {
			deep(id, r.value(at(resource, "Properties")))
		}
	}
	for id, o := range section(r.template, "Outputs") {
		if r.active(o) {
			deep("output "+id, r.value(at(o, "Value")))
		}
	}
}

func checkPartition(tb testing.TB, at, text, partition, suffix string, attached map[string]bool) {
	tb.Helper()
	for _, m := range anyARN.FindAllStringSubmatch(text, -1) {
		// A data bucket's partition is a wildcard: engine_role.go says why. So is
		// that of every ARN in the catalog's boundary, which must be short.
		anyPartition := strings.Contains(text, "arn:*:s3:::") || strings.HasPrefix(at, "WorkspaceBoundary.")
		if m[1] != partition && (m[1] != "*" || !anyPartition) {
			tb.Errorf("%s: %q is not of %s", at, text, partition)
		}
	}
	for _, host := range anyHost.FindAllString(text, -1) {
		if !slices.Contains(servicePrincipals, host) && !strings.HasSuffix(host, "."+suffix) {
			tb.Errorf("%s: %q is no host of %s", at, text, partition)
		}
	}
	if name, ours := strings.CutPrefix(text, "arn:"+partition+":iam::aws:policy/"); ours && strings.Contains(at, "ManagedPolicyArns") {
		attached[name] = true
		known, listed := managedPolicies[name]
		if !listed || partition != "aws" && !slices.Contains(known.in, partition) {
			tb.Errorf("%s: whether %s exists in %s is not known: find out, and add it to managedPolicies", at, name, partition)
		}
	}
}

// The check above must be able to find something.
func TestAnotherPartitionIsNoticed(t *testing.T) {
	for _, text := range []string{
		"arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", "https://s3.cn-north-1.amazonaws.com/x", "sqs.amazonaws.com", "arn:*:iam::1:role/x",
	} {
		noticed := &counter{TB: t}
		r := &stackRun{template: object{"Resources": object{"Role": object{"Properties": object{"Text": text}}}}, t: t}
		everyText(r, func(at, text string) {
			checkPartition(noticed, at, text, "aws-cn", "amazonaws.com.cn", map[string]bool{})
		})
		if noticed.errors == 0 {
			t.Errorf("%q passes in China", text)
		}
	}
}

// counter counts errors instead of failing.
type counter struct {
	testing.TB
	errors int
}

func (c *counter) Errorf(string, ...any) { c.errors++ }
