package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
)

func policyCommand() *cobra.Command {
	var (
		mode, source, out string
		s                 deployerpolicy.Settings
	)
	c := &cobra.Command{
		Use:   "policy",
		Short: "Write the IAM policies of who deploys with rights of his own",
		Long: `Write the IAM policies that who deploys a mode's stack needs, and no more, as managed policies to be attached together.

CloudFormation then creates, updates and deletes the stack with its caller's rights, without a service role. What each
statement is for stands in docs/deployer-policy.md. Give --permissions-boundary wherever the deployer is no administrator.`,
		Example: `  quickstart policy --mode new-vpc --permissions-boundary arn:aws:iam::111122223333:policy/limits
  quickstart policy --mode existing-eks --karpenter-controller-role KarpenterController --out policies`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkMode(mode); err != nil {
				return err
			}
			documents, err := deployerpolicy.Generate(os.DirFS(source), mode, s)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return fmt.Errorf("make the folder for the policies: %w", err)
			}
			for _, d := range documents {
				path := filepath.Join(out, d.Name+".json")
				if err := os.WriteFile(path, d.Text, 0o644); err != nil {
					return fmt.Errorf("write a policy: %w", err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %d characters\n", path, d.Size)
			}
			return nil
		},
	}
	f := c.Flags()
	modeFlag(c, &mode)
	f.StringVar(&out, "out", "deployer-policy", "folder for the policies")
	f.StringVar(&source, "source", ".", "the project's folder, or a published version's")
	f.StringVar(&s.Partition, "partition", "", "aws, aws-cn, aws-us-gov (default aws)")
	f.StringVar(&s.Account, "account", "", "the one account (default: any that the policies are attached in)")
	f.StringVar(&s.Region, "region", "", "the one region (default: all)")
	f.StringVar(&s.StackNamePrefix, "stack-name-prefix", "", "how names of stacks begin (default e6data-)")
	f.StringVar(&s.ClusterNamePrefix, "cluster-name-prefix", "", "how names of clusters begin (default e6data-)")
	f.StringVar(&s.RolePath, "role-path", "", "the parameter RolePath (default /)")
	f.StringVar(&s.PermissionsBoundary, "permissions-boundary", "", "the parameter PermissionsBoundaryArn: no role without it")
	f.StringVar(&s.ArtifactBucket, "artifact-bucket", "", "the parameter ArtifactBucket (default: the published buckets)")
	f.StringVar(&s.VpcID, "vpc-id", "", "the parameter VpcId, in mode existing-vpc (default: any)")
	f.StringVar(&s.KmsKeyArn, "kms-key-arn", "", "the parameter KmsKeyArn (default: no key may be used)")
	f.StringVar(&s.KarpenterControllerRole, "karpenter-controller-role", "", "the parameter KarpenterControllerRoleName after the role's path, in mode existing-eks (default: no such role may be changed)")
	return c
}
