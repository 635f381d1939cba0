package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// workspaceOutputs answers Custom::WorkspaceOutputs. It makes nothing: it
// checks that the finished stack says all that the console needs, gives the
// link that says it, and posts it if that was asked for.
type workspaceOutputs struct{ callback callback }

type (
	outputsRequest  = customresource.Request[contract.WorkspaceOutputs]
	outputsResponse = customresource.Response[contract.WorkspaceOutputsData]
)

// Create checks the properties, answers the console's link, and posts the
// description. That nobody takes it is no failure: the workspace is finished.
func (w workspaceOutputs) Create(ctx context.Context, r outputsRequest) (outputsResponse, error) {
	cfg, err := readConfig(r.Props.Config)
	if err != nil {
		err = fmt.Errorf("property Config: %w", err)
	}
	link, hostErr := consoleURL(r.Props.ConsoleHost, cfg)
	if hostErr != nil {
		hostErr = fmt.Errorf("property ConsoleHost: %w", hostErr)
	}
	var to *url.URL
	var addressErr error
	if r.Props.CallbackURL != "" {
		if to, addressErr = parseCallback(r.Props.CallbackURL); addressErr != nil {
			addressErr = fmt.Errorf("property CallbackUrl: %w", addressErr)
		}
	}
	if err := errors.Join(err, hostErr, addressErr); err != nil {
		return outputsResponse{}, fmt.Errorf("workspace outputs: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	data := contract.WorkspaceOutputsData{ConsoleURL: link}
	if to != nil {
		data.Callback = callbackPosted
		if err := w.callback.post(ctx, to, r.StackID, r.Props.Config); err != nil {
			data.Callback = fmt.Sprintf(callbackFailed, err)
			w.callback.log.ErrorContext(ctx, "the callback was not posted", "host", to.Host, "error", err)
		}
	}
	return outputsResponse{PhysicalID: outputsID(cfg.WorkspaceName), Data: data}, nil
}

// Update answers the link anew, and posts again.
func (w workspaceOutputs) Update(ctx context.Context, r outputsRequest) (outputsResponse, error) {
	return w.Create(ctx, r)
}

// Delete has nothing to remove.
func (workspaceOutputs) Delete(context.Context, outputsRequest) error { return nil }

// Owns tells whether an ID was made by outputsID.
func (workspaceOutputs) Owns(physicalID string) bool {
	return strings.HasPrefix(physicalID, outputsPrefix)
}
