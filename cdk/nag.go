package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/e6data/aws-quickstart/cdk/stack"
)

// acceptance are findings of one rule at one resource that are right as they
// are: so many, no more and no fewer.
type acceptance struct {
	rule, resource string
	findings       int
	reason         string
}

// line is one line of cdk-nag's report.
type line struct {
	Rule       string `json:"ruleId"`
	Resource   string `json:"resourceId"`
	Compliance string `json:"compliance"`
	Info       string `json:"ruleInfo"`
}

// judge runs cdk-nag's AwsSolutions rules over all stacks. It fails for each
// finding that is not accepted, and for each acceptance that is not true any more.
func judge(cfg stack.Config) error {
	accepted := acceptances
	folder, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return fmt.Errorf("make a folder for the reports: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	rules := func() awscdk.IAspect {
		return cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
			Reports: jsii.Bool(true), ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
		})
	}
	synth(cfg, jsii.String(folder), rules())
	if _, err := synthRoles(os.DirFS("."), jsii.String(folder), rules()); err != nil {
		return err
	}
	found := map[acceptance]int{} // by rule and resource
	var problems []error
	for _, name := range slices.Concat(slices.Collect(maps.Keys(templateFiles)), slices.Collect(maps.Keys(rolesFiles))) {
		if name == "ServiceCatalog" {
			continue // has no type that the rules look at
		}
		lines, err := report(filepath.Join(folder, "AwsSolutions-"+name+"-NagReport.json"))
		if err != nil {
			return err
		}
		for _, l := range lines {
			if l.Compliance == "Compliant" || l.Compliance == "N/A" {
				continue
			}
			at := acceptance{rule: l.Rule, resource: l.Resource}
			if !slices.ContainsFunc(accepted, at.same) {
				problems = append(problems, fmt.Errorf("%s at %s: %s (%s)", l.Rule, l.Resource, l.Info, l.Compliance))
			}
			found[at]++
		}
	}
	for _, a := range accepted {
		if n := found[acceptance{rule: a.rule, resource: a.resource}]; n != a.findings {
			problems = append(problems, fmt.Errorf("%s at %s: %d findings, and cdk/nag.go accepts %d (%s): look at them, then correct it",
				a.rule, a.resource, n, a.findings, a.reason))
		}
	}
	return errors.Join(problems...)
}

// in gives the acceptances with the names of the stacks that they are of.
func in(stacks []string, all ...acceptance) []acceptance {
	var out []acceptance
	for _, a := range all {
		for _, name := range stacks {
			named := a
			named.resource = name + "/" + a.resource
			out = append(out, named)
		}
	}
	return out
}

func (a acceptance) same(b acceptance) bool { return a.rule == b.rule && a.resource == b.resource }

func report(file string) ([]line, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read cdk-nag's report: %w", err)
	}
	var r struct {
		Lines []line `json:"lines"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read cdk-nag's report %s: %w", filepath.Base(file), err)
	}
	if len(r.Lines) == 0 {
		return nil, fmt.Errorf("cdk-nag looked at nothing: %s is empty", filepath.Base(file))
	}
	return r.Lines, nil
}

const (
	byAWS = "policies that AWS keeps in step with EKS; ours would fall behind"
	// tests/template and tests/e2e/permissions_test.go do read such policies.
	forInterfaces = "Lambda asks for network interfaces without a resource; the rule cannot read the statement"
	ofDeployer    = "the deployer's policies, each statement with its limits in docs/deployer-policy.md"
	ofCatalog     = "Service Catalog's copy of a template, which it marks, and stacks, which it names"
	unread        = "the rule cannot read a policy with a condition of the template around it; our tests do"
)

// The stacks of the templates, by what they have in common.
var (
	everyMode    = []string{"Quickstart", "ExistingVpc", "ExistingEks"}
	newClusters  = []string{"Quickstart", "ExistingVpc"}
	theirCluster = []string{"ExistingEks"}
)

var acceptances = slices.Concat(
	in([]string{"Network"}, acceptance{"AwsSolutions-VPC7", "Vpc", 1, "flow logs cost by the gigabyte and belong to the account's own policy"}),
	in(newClusters,
		acceptance{"AwsSolutions-EKS1", "Cluster", 1, "the public endpoint is for the addresses that the customer names, and off without any"},
		acceptance{"AwsSolutions-EKS2", "Cluster", 5, "the logs are the customer's choice (ClusterLogTypes); the rule does not see it through the conditions"},
		acceptance{"AwsSolutions-IAM4", "ClusterRole", 1, byAWS},
		acceptance{"AwsSolutions-IAM4", "VpcCniRole", 1, byAWS},
		acceptance{"AwsSolutions-IAM4", "EbsCsiRole", 1, byAWS},
		acceptance{"AwsSolutions-IAM4", "NodeRole", 3, byAWS},
		acceptance{"AwsSolutions-IAM5", "HelmInstallerRole", 1, forInterfaces},
		acceptance{"AwsSolutions-IAM5", "EbsCsiRole", 1, unread},
	),
	in([]string{"ServiceCatalogRoles"},
		acceptance{"AwsSolutions-IAM5", "WorkspaceBoundary", 53, "a boundary is the most that many roles may do; it gives none of it"},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy1", 8, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy2", 18, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy3", 2, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy4", 10, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy5", 10, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "LaunchPolicy6", 7, ofDeployer},
		acceptance{"AwsSolutions-IAM5", "NewVpcLaunchRole", 2, ofCatalog},
		acceptance{"AwsSolutions-IAM5", "ExistingVpcLaunchRole", 2, ofCatalog},
		acceptance{"AwsSolutions-IAM5", "ExistingEksLaunchRole", 2, ofCatalog},
	),
	in(theirCluster,
		acceptance{"AwsSolutions-IAM5", "InstallerRole", 1, forInterfaces},
	),
	in(everyMode,
		acceptance{"AwsSolutions-IAM5", "OutputsFunctionRole", 1, unread},
		acceptance{"AwsSolutions-SQS3", "KarpenterInterruptionQueue", 1, "a warning of an interruption is no use after five minutes, as upstream says"},
		acceptance{"AwsSolutions-IAM4", "KarpenterNodeRole", 3, byAWS},
		acceptance{"AwsSolutions-IAM5", "KarpenterZonalShiftPolicy", 1, "upstream's, limited to the cluster by a condition"},
		acceptance{"AwsSolutions-IAM5", "KarpenterResourceDiscoveryPolicy", 3, "upstream's: reads only"},
		acceptance{"AwsSolutions-IAM5", "LoadBalancerControllerRole", 10, "the controller makes what it writes to; every write hangs on the cluster's tag or on an exact ARN (ADR 16)"},
		acceptance{"AwsSolutions-IAM5", "KarpenterControllerRole", 1, unread},
		acceptance{"AwsSolutions-IAM5", "EngineRole", 1, unread},
		acceptance{"AwsSolutions-IAM5", "CrossAccountRole", 1, unread},
	),
)
