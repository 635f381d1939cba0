// Package addons plays EKS add-ons: their objects are made in the cluster, with
// EKS's names, and their pods played as all others are.
package addons

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The files, in the state directory, by which the embedded AWS tells which add-ons
// the cluster has, and is told how they are.
const (
	File       = "addons.json"        // a JSON list of Addon
	StatusFile = "addons.status.json" // Status by name; an add-on that is removed leaves it when its objects are gone
)

// Addon is an add-on that the cluster has.
type Addon struct {
	Name                  string `json:"name"`
	Version               string `json:"version"`
	ServiceAccountRoleARN string `json:"serviceAccountRoleArn"`
	ConfigurationValues   string `json:"configurationValues"` // JSON or YAML, as CreateAddon takes it
}

// Status says whether an add-on does what it is for, and else why not.
type Status struct {
	Ready bool   `json:"ready"`
	Why   string `json:"why"`
}

// names are the add-ons that are played, in the order in which they are made.
var names = []string{"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "aws-ebs-csi-driver", "metrics-server"}

// selfManaged are what EKS puts into a cluster that is made without
// bootstrapSelfManagedAddons: false.
var selfManaged = []Addon{
	{Name: "vpc-cni", Version: "v1.21.1-eksbuild.1"},
	{Name: "kube-proxy", Version: "v1.36.0-eksbuild.2"},
	{Name: "coredns", Version: "v1.13.1-eksbuild.1"},
}

func parse(b []byte) ([]Addon, error) {
	var all []Addon
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read the list of add-ons: %w", err)
	}
	for i := range all {
		if all[i].Name == "" || all[i].Version == "" {
			return nil, errors.New("read the list of add-ons: one has no name or no version")
		}
	}
	return all, nil
}
