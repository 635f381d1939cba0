// Command cdk writes the CloudFormation templates.
//
//	go run ./cdk             synthesises into cdk.out, as the CDK CLI asks:
//	                         the stack of one mode (context e6data:mode), for a
//	                         bootstrapped account, with functions built from
//	                         this tree
//	go run ./cdk -write      writes quickstart.yaml, templates/*.yaml, and what
//	                         follows from them: the deployer's policies and the
//	                         content of the launch page
//	go run ./cdk -out DIR    writes the same files under DIR
//	go run ./cdk -judge      asks cdk-nag what it thinks of all stacks
//
// It runs in the root of the repository. jsii, which starts before main, prints
// a banner on an old Node.js; JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION with
// the major version (20) as value hides it.
package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/e6data/aws-quickstart/cdk/render"
	"github.com/e6data/aws-quickstart/cdk/stack"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
	"github.com/e6data/aws-quickstart/internal/launchpage"
)

func main() {
	if err := run(os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "cdk:", err)
		os.Exit(1)
	}
}

func run(args []string, env func(string) string, stderr io.Writer) error {
	flags := flag.NewFlagSet("cdk", flag.ContinueOnError)
	flags.SetOutput(stderr)
	write := flags.Bool("write", false, "write the template files of the repository")
	out := flags.String("out", "", "write the template files under this directory")
	judged := flags.Bool("judge", false, "check the stacks with cdk-nag and write nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	read, err := readConfig(os.ReadFile, env("CDK_CONTEXT_JSON"))
	if err != nil {
		return err
	}
	cfg := read.Config
	defer jsii.Close()
	if *judged {
		return judge(cfg)
	}
	if *write {
		*out = "."
	}
	if *out == "" {
		return synthForEngineer(read)
	}
	if err := writeFiles(templateFiles, *out, func(folder *string) (string, error) { return synth(cfg, folder), nil }); err != nil {
		return err
	}
	if err := writePolicies(*out); err != nil {
		return err
	}
	if err := writeFiles(rolesFiles, *out, func(folder *string) (string, error) { return synthRoles(os.DirFS(*out), folder) }); err != nil {
		return err
	}
	return writeLaunchPage(cfg, *out)
}

// templateFiles are the stacks of the app and the files that they become.
var templateFiles = map[string]string{
	"Quickstart":     "quickstart.yaml",
	"ExistingVpc":    "templates/existing-vpc.yaml",
	"ExistingEks":    "templates/existing-eks.yaml",
	"Network":        stack.NetworkTemplateKey,
	"ServiceCatalog": "templates/service-catalog.yaml",
}

// rolesFiles is the stack that is made after those, from their files.
var rolesFiles = map[string]string{"ServiceCatalogRoles": stack.CatalogRolesTemplateKey}

// synth declares a release's templates and returns the folder with the assembly.
func synth(cfg stack.Config, folder *string, aspects ...awscdk.IAspect) string {
	app := newApp(folder, aspects)
	stack.NewNetworkTemplate(app, "Network")
	stack.NewServiceCatalog(app, "ServiceCatalog", cfg)
	for _, m := range stack.Modes {
		declareMode(app, cfg, m)
	}
	return *app.Synth(nil).Directory()
}

// declareMode declares a mode's stack, under its name in templateFiles.
func declareMode(app awscdk.App, cfg stack.Config, m stack.Mode) awscdk.Stack {
	switch m {
	case stack.ExistingVPC:
		return stack.NewExistingVPC(app, "ExistingVpc", cfg)
	case stack.ExistingEKS:
		return stack.NewExistingEKS(app, "ExistingEks", cfg)
	default:
		return stack.NewQuickstart(app, "Quickstart", cfg)
	}
}

// synthRoles declares what follows from the modes' templates and returns the
// folder with the assembly.
func synthRoles(templates fs.FS, folder *string, aspects ...awscdk.IAspect) (string, error) {
	app := newApp(folder, aspects)
	if _, err := stack.NewCatalogRoles(app, "ServiceCatalogRoles", templates); err != nil {
		return "", err
	}
	return *app.Synth(nil).Directory(), nil
}

func newApp(folder *string, aspects []awscdk.IAspect) awscdk.App {
	app := awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
		Outdir:             folder,
		// A template that the CDK's own checks refuse is not written.
		Context: &map[string]any{"@aws-cdk/core:validateAgainstDefaultRules": true},
	})
	for _, a := range aspects {
		awscdk.Aspects_Of(app).Add(a, nil)
	}
	stack.Acknowledge(app)
	return app
}

// writeFiles synthesises and writes each of the templates as YAML under root.
func writeFiles(files map[string]string, root string, synthesise func(folder *string) (string, error)) error {
	folder, err := os.MkdirTemp("", "synth-")
	if err != nil {
		return fmt.Errorf("make a folder for the assembly: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	assembly, err := synthesise(jsii.String(folder))
	if err != nil {
		return err
	}
	to, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("open the folder to write to: %w", err)
	}
	defer func() { _ = to.Close() }()
	for name, file := range files {
		template, err := os.ReadFile(filepath.Join(assembly, name+".template.json"))
		if err != nil {
			return fmt.Errorf("read the synthesised template: %w", err)
		}
		text, err := render.YAML(template)
		if err != nil {
			return fmt.Errorf("write %s as YAML: %w", file, err)
		}
		if err := to.MkdirAll(path.Dir(file), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", file, err)
		}
		if err := to.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("write template: %w", err)
		}
	}
	return nil
}

// writeLaunchPage writes what the launch page shows of the templates under root.
func writeLaunchPage(cfg stack.Config, root string) error {
	text, err := launchpage.Write(os.DirFS(root), cfg.Version, cfg.Regions)
	if err != nil {
		return fmt.Errorf("generate the launch page's content: %w", err)
	}
	file := filepath.Join(root, launchpage.File)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", file, err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("write the launch page's content: %w", err)
	}
	return nil
}

// writePolicies writes what follows from the templates under root: the
// deployer's policies and their page. A policy that is no more is removed.
func writePolicies(root string) error {
	files, err := deployerpolicy.Files(os.DirFS(root))
	if err != nil {
		return fmt.Errorf("generate the deployer's policies: %w", err)
	}
	to, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("open the folder to write to: %w", err)
	}
	defer func() { _ = to.Close() }()
	if err := to.RemoveAll(deployerpolicy.Folder); err != nil {
		return fmt.Errorf("remove the old policies: %w", err)
	}
	for file, text := range files {
		if err := to.MkdirAll(path.Dir(file), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", file, err)
		}
		if err := to.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("write a policy: %w", err)
		}
	}
	return nil
}
