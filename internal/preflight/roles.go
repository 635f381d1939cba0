package preflight

import "github.com/e6data/aws-quickstart/internal/contract"

// Roles that have to do with an existing cluster.
var (
	installerRoleTaken = &Kind{
		ID:   "installer-role-taken",
		What: "there is an IAM role of the fixed name that this stack gives its installer",
		Do:   "If a failed or deleted stack left it, delete the role; else give another WorkspaceName",
	}
	adminRoleMissing = &Kind{
		ID:   "cluster-admin-role-missing",
		What: "the role that is to let this stack into the cluster does not exist",
		Do:   "Correct ClusterAdminRoleArn, path included, or leave it empty",
	}
	adminRoleTrust = &Kind{
		ID:   "cluster-admin-role-trust",
		What: "the role that is to let this stack into the cluster does not trust this stack's installer",
		Do: "Add a statement to its trust policy that allows sts:AssumeRole to {role}, which this stack makes: name the account " +
			"(arn:{partition}:iam::{account}:root) and limit it by the condition ArnEquals aws:PrincipalArn, since the role does not exist yet",
	}
	karpenterRoleMissing = &Kind{
		ID:   "karpenter-role-missing",
		What: "the role of the cluster's Karpenter controller does not exist",
		Do:   "Correct KarpenterControllerRoleName (the name alone, without path), or leave it empty and attach the policy that the stack prints",
	}
)

// checkOwnRoles looks at the roles that an existing cluster's stack meets.
func checkOwnRoles(f Facts) []Problem {
	if f.Mode != contract.ModeExistingEKS || f.Update {
		return nil
	}
	var out []Problem
	if r := f.InstallerRole; r != nil && r.Found && r.Stack != f.Place.StackID {
		why := "no CloudFormation stack made it"
		if r.Stack != "" {
			why = "it belongs to the stack " + r.Stack
		}
		out = append(out, Problem{Kind: installerRoleTaken, On: r.Arn, Why: why})
	}
	if r := f.AdminRole; r != nil {
		out = append(out, f.checkAdminRole(*r)...)
	}
	if r := f.KarpenterRole; r != nil && !r.Found {
		out = append(out, Problem{Kind: karpenterRoleMissing, On: "KarpenterControllerRoleName " + f.Answers.KarpenterControllerRoleName})
	}
	return out
}

func (f Facts) checkAdminRole(r Role) []Problem {
	on := "ClusterAdminRoleArn " + f.Answers.ClusterAdminRoleArn
	if !r.Found {
		return []Problem{{Kind: adminRoleMissing, On: on}}
	}
	trust, err := readPolicy(r.Trust)
	installer := "arn:" + f.Place.Partition + ":iam::" + f.Place.Account + ":role" + f.Answers.RolePath + f.Answers.InstallerRoleName
	if err != nil || trust.admits(installer, f.Place.Account, "sts:AssumeRole") {
		return nil
	}
	return []Problem{{
		Kind: adminRoleTrust, On: on, Why: "its trust policy names " + first(3, trust.principals()),
		Fill: []string{"role", installer, "partition", f.Place.Partition, "account", f.Place.Account},
	}}
}
