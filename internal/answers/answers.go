// Package answers finds the mistakes in answers to the templates' parameters
// that show in their text, once it is known where the stack is: what AWS would
// refuse when the cluster is there already. A template's patterns and rules
// cannot take texts apart, so a function does it first of all.
//
// Only what fails for certain, or would not do what was asked for, is a mistake.
// PermissionsBoundaryArn and RolePath are not looked at: IAM has judged them by
// then, with the function's own role.
package answers

import (
	"errors"
	"maps"
	"slices"
)

// Place is where the stack is.
type Place struct {
	Partition string // such as aws-us-gov
	Region    string // such as us-gov-west-1
	Account   string // 12 digits
}

// stack is what a check may look at: all answers, and the place.
type stack struct {
	given map[string]string
	at    Place
}

// checks say what is wrong with an answer that is not empty, by the parameter's
// name. Lists are comma-separated. One without a check is there for another's.
var checks = map[string]func(stack, string) error{
	"KmsKeyArn":                 checkKey,
	"AdminPrincipalArn":         checkAdmin,
	"ClusterAdminRoleArn":       checkClusterAdmin,
	"ControlPlanePrincipalArn":  checkControlPlane,
	"DataBucketNames":           checkDataBuckets,
	"ChartSource":               checkChartSource,
	"ImageRegistry":             checkImageRegistry,
	"HttpsProxy":                checkProxy,
	"EndpointPublicAccessCidrs": checkPublicBlocks,
	"VpcCniWarmTargets":         checkWarmTargets,
	"NodeInstanceFamilies":      checkFamilies,
	"NodeArchitectures":         nil,
	"NodeTags":                  checkTags,
}

// Parameters are the names of the parameters that Check looks at, sorted.
func Parameters() []string { return slices.Sorted(maps.Keys(checks)) }

// Check says, all at once and in the order of the parameters' names, which
// answers cannot work in that place, why, and what to enter. Answers to other
// parameters, empty ones and missing ones are not looked at.
func Check(given map[string]string, at Place) error {
	var problems []error
	for _, name := range Parameters() {
		if check := checks[name]; check != nil && given[name] != "" {
			problems = append(problems, check(stack{given, at}, given[name]))
		}
	}
	return errors.Join(problems...)
}
