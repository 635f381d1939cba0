// Package contract holds the properties and the answers (Data) of each custom
// resource. The template side marshals these types, the function side decodes
// the same ones, so a renamed field is a compile error and not a failed stack.
//
// Every property arrives at a function as text or as a list of texts:
// CloudFormation turns all scalars into strings. Types here are what the
// function sees after decoding. The package imports the standard library only.
package contract

import (
	"encoding/json"
	"fmt"
)

// Resource types, as they stand in the templates.
const (
	TypeAWSAuth          = "Custom::AWSAuth"
	TypeClusterCheck     = "Custom::ClusterCheck"
	TypeClusterFacts     = "Custom::ClusterFacts"
	TypeFixedAnswers     = "Custom::FixedAnswers"
	TypeHelmRelease      = "Custom::HelmRelease"
	TypeNetworkPlan      = "Custom::NetworkPlan"
	TypeOidcProvider     = "Custom::OidcProvider"
	TypePreflight        = "Custom::Preflight"
	TypeWorkspaceOutputs = "Custom::WorkspaceOutputs"
)

// Properties turns one of this package's property structs into the map that a
// template carries. Empty optional fields (omitempty) are left out. Values may
// be CDK tokens: they are text and pass through.
func Properties(props any) (map[string]any, error) {
	text, err := json.Marshal(props)
	if err != nil {
		return nil, fmt.Errorf("marshal %T: %w", props, err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("properties of %T: %w", props, err)
	}
	return m, nil
}
