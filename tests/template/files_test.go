package template

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommittedTemplatesAreFresh(t *testing.T) {
	for _, f := range all {
		committed, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatalf("%v: run make template", err)
		}
		if !bytes.Equal(committed, fresh[f]) {
			t.Errorf("%s is not what cdk/ says: run make template and commit it (-committed +fresh):\n%s",
				f, cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(string(fresh[f]), "\n")))
		}
	}
}

// What the stock CDK CLI gets when it runs the app.
func TestTheAppSynthesisesForTheCLI(t *testing.T) {
	for context, stack := range map[string]string{"{}": "Quickstart", `{"e6data:mode":"existing-vpc"}`: "ExistingVpc", `{"e6data:mode":"existing-eks"}`: "ExistingEks"} {
		dir := t.TempDir()
		if out, err := generate(t.Context(), nil, "CDK_OUTDIR="+dir, "CDK_CONTEXT_JSON="+context); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, name := range []string{"manifest.json", stack + ".template.json", stack + ".assets.json"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
		if found, err := filepath.Glob(filepath.Join(dir, "*.template.json")); err != nil || len(found) != 1 {
			t.Errorf("want one stack, to be deployed without a name: %v %v", found, err)
		}
	}
}

func TestTemplatesStayWithinCloudFormationsLimits(t *testing.T) {
	sizes := map[string]int{
		quickstartFile: 1_000_000,
		existingFile:   1_000_000,
		clusterFile:    1_000_000,
		networkFile:    51_200, // may be given as a body
		catalogFile:    51_200,
		rolesFile:      1_000_000,
	}
	for _, f := range all {
		if size := len(fresh[f]); size >= sizes[f] {
			t.Errorf("%s has %d bytes, must be under %d", f, size, sizes[f])
		}
		template := load(t, f)
		for name, limit := range map[string]int{"Parameters": 200, "Resources": 500, "Outputs": 200, "Mappings": 200} {
			if n := len(section(template, name)); n > limit {
				t.Errorf("%s has %d %s, at most %d are allowed", f, n, name, limit)
			}
		}
		if d, _ := template["Description"].(string); d == "" || len(d) > 1024 {
			t.Errorf("%s: description of %d bytes", f, len(d))
		}
		for name, p := range section(template, "Parameters") {
			if d, _ := at(p, "Description").(string); d == "" || len(d) > 4000 {
				t.Errorf("%s: parameter %s has a description of %d bytes", f, name, len(d))
			}
		}
	}
}

// A template that is launched from a link must not lean on a bootstrapped
// account, nor carry what the CDK adds for itself.
func TestTemplatesCarryNothingOfTheCDK(t *testing.T) {
	for _, f := range all {
		for _, word := range []string{"BootstrapVersion", "CDKMetadata", "CDKToolkit", "aws:cdk:", "cdk-hnb659fds", "/cdk-bootstrap/"} {
			if bytes.Contains(fresh[f], []byte(word)) {
				t.Errorf("%s contains %q", f, word)
			}
		}
	}
}

// serviceRoles is where services' own roles are. Their paths are service
// principals, which are the same everywhere.
const serviceRoles = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/"

// In other partitions ARNs and host names are others.
func TestNoLiteralPartition(t *testing.T) {
	arn := regexp.MustCompile(`arn:aws[a-z-]*:`)
	host := regexp.MustCompile(`[a-z0-9.-]+\.amazonaws\.com(\.cn)?`)
	// Service principals and the audience of a role are the same everywhere.
	everywhere := map[string]bool{
		"elasticloadbalancing.amazonaws.com": true, "spot.amazonaws.com": true,
		"servicecatalog.amazonaws.com": true, "cloudformation.amazonaws.com": true, "eks-nodegroup.amazonaws.com": true,
		"eks.amazonaws.com": true, "events.amazonaws.com": true, "lambda.amazonaws.com": true, "logging.s3.amazonaws.com": true, "sts.amazonaws.com": true,
	}
	for _, f := range all {
		template := plain(t, load(t, f)).(object) // a copy
		walk(template, func(v any) {
			if keys, ok := v.(map[string]any); ok {
				delete(keys, "iam:PassedToService") // has the names of all partitions
			}
		})
		for _, part := range []string{"Conditions", "Resources", "Outputs", "Rules"} {
			walk(template[part], func(v any) {
				s, ok := v.(string)
				if !ok {
					return
				}
				if found := arn.FindString(s); found != "" {
					t.Errorf("%s, %s: %q has a literal partition", f, part, s)
				}
				for _, h := range host.FindAllString(strings.TrimPrefix(s, serviceRoles), -1) {
					if !everywhere[h] {
						t.Errorf("%s, %s: %q has a literal DNS suffix", f, part, s)
					}
				}
			})
		}
	}
}
