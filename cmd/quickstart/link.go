package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

func linkCommand() *cobra.Command {
	var (
		mode, source string
		l            quickcreate.Launch
		answers      []string
	)
	c := &cobra.Command{
		Use:   "link",
		Short: "Print a quick-create link: the AWS console with the answers filled in",
		Long: `Print a quick-create link: who opens it sees the CloudFormation console with the mode's template and these answers, may
change them, and creates the stack.

What the template would refuse is refused here, all at once. Questions without an answer keep their defaults; the others are
asked in the console.`,
		Example: `  quickstart link --region eu-west-1 --mode new-vpc --parameter WorkspaceName=alpha --parameter DataBucketNames=lake-one,lake-two`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkMode(mode); err != nil {
				return err
			}
			l.Template = contract.ModeTemplate(mode)
			l.Answers = map[string]string{}
			for _, a := range answers {
				name, answer, found := strings.Cut(a, "=")
				if _, twice := l.Answers[name]; !found || twice {
					return usageError{fmt.Errorf("--parameter %q: want NAME=ANSWER, once for each name", a)}
				}
				l.Answers[name] = answer
			}
			if l.Version == "" {
				version, err := os.ReadFile(filepath.Join(source, "VERSION"))
				if err != nil {
					return fmt.Errorf("read the version (give --source): %w", err)
				}
				l.Version = strings.TrimSpace(string(version))
			}
			template, err := os.ReadFile(filepath.Join(source, l.Template))
			if err != nil {
				return fmt.Errorf("read the mode's template (give --source): %w", err)
			}
			form, err := quickcreate.ReadForm(template)
			if err != nil {
				return err
			}
			link, err := form.Link(l)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), link)
			return nil
		},
	}
	f := c.Flags()
	modeFlag(c, &mode)
	f.StringVar(&l.Region, "region", "", "the region to launch in")
	f.StringVar(&l.StackName, "stack-name", "", "name of the stack (default e6data-WORKSPACE)")
	f.StringVar(&l.Bucket, "bucket", "", "a bucket of yours with the version's files (default: the region's published bucket)")
	f.StringVar(&l.Version, "version", "", "the published version (default: the source's)")
	f.StringArrayVar(&answers, "parameter", nil, "an answer, NAME=ANSWER; repeat it for each")
	f.StringVar(&source, "source", ".", "the project's folder, or a published version's")
	return c
}
