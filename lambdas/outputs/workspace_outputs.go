package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// workspaceOutputs answers Custom::WorkspaceOutputs. It makes nothing: it
// checks that the finished stack says all that the console needs, and gives the
// link that says it.
type workspaceOutputs struct{}

type (
	outputsRequest  = customresource.Request[contract.WorkspaceOutputs]
	outputsResponse = customresource.Response[contract.WorkspaceOutputsData]
)

// Create checks the properties and answers the console's link.
func (workspaceOutputs) Create(_ context.Context, r outputsRequest) (outputsResponse, error) {
	cfg, err := readConfig(r.Props.Config)
	if err != nil {
		err = fmt.Errorf("property Config: %w", err)
	}
	link, hostErr := consoleURL(r.Props.ConsoleHost, cfg)
	if hostErr != nil {
		hostErr = fmt.Errorf("property ConsoleHost: %w", hostErr)
	}
	if err := errors.Join(err, hostErr); err != nil {
		return outputsResponse{}, fmt.Errorf("workspace outputs: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return outputsResponse{
		PhysicalID: outputsID(cfg.WorkspaceName),
		Data:       contract.WorkspaceOutputsData{ConsoleURL: link},
	}, nil
}

// Update answers the link anew.
func (w workspaceOutputs) Update(ctx context.Context, r outputsRequest) (outputsResponse, error) {
	return w.Create(ctx, r)
}

// Delete has nothing to remove.
func (workspaceOutputs) Delete(context.Context, outputsRequest) error { return nil }

// Owns tells whether an ID was made by outputsID.
func (workspaceOutputs) Owns(physicalID string) bool {
	return strings.HasPrefix(physicalID, outputsPrefix)
}
