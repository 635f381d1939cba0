package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/e6data/aws-quickstart/cdk/stack"
	"github.com/e6data/aws-quickstart/internal/artifact"
)

// synthForEngineer declares the one stack that the CDK's command deploys, in the
// folder that it asks for, with what it publishes to the bootstrapped account's
// bucket: the functions and the nested template, made from this tree.
func synthForEngineer(c settings) error {
	app := newApp(nil, nil)
	engineer := c.Engineer
	folder, err := os.MkdirTemp("", "assets-")
	if err != nil {
		return fmt.Errorf("make a folder for the functions: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // the assembly has copies
	engineer.Assets = folder
	if err := buildAssets(context.Background(), engineer); err != nil {
		return err
	}
	cfg := c.Config
	cfg.Engineer = &engineer
	declared := declareMode(app, cfg, c.Mode)
	if len(engineer.Answers) > 0 {
		awscdk.Annotations_Of(declared).AddInfo(jsii.String(
			"The context's answers are defaults. A stack that is there keeps the answers it has, unless: cdk deploy --no-previous-parameters"))
	}
	app.Synth(nil)
	return nil
}

// buildAssets writes the functions' zips and the network's template.
func buildAssets(ctx context.Context, e stack.Engineer) error {
	for _, function := range artifact.Functions {
		if _, err := artifact.Build(ctx, ".", function, e.Architecture, e.Assets); err != nil {
			return err
		}
	}
	network := map[string]string{"Network": filepath.Base(stack.NetworkTemplateKey)}
	return writeFiles(network, e.Assets, func(folder *string) (string, error) {
		app := newApp(folder, nil)
		stack.NewNetworkTemplate(app, "Network")
		return *app.Synth(nil).Directory(), nil
	})
}
