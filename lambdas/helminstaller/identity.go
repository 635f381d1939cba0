package main

import (
	"fmt"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/release"
)

const idPrefix = "helmrelease/"

// identity is what a Custom::HelmRelease manages; its text form is the
// physical ID. If any part changes on Update, CloudFormation deletes the old
// release after the new one stands.
type identity struct {
	cluster string
	target  release.Target
}

func identityOf(p contract.HelmRelease) identity {
	return identity{cluster: p.ClusterName, target: release.Target{Namespace: p.Namespace, Name: p.ReleaseName}}
}

// String is helmrelease/CLUSTER/NAMESPACE/NAME.
func (i identity) String() string {
	return idPrefix + i.cluster + "/" + i.target.Namespace + "/" + i.target.Name
}

// parseIdentity reads a physical ID that String wrote.
func parseIdentity(physicalID string) (identity, error) {
	parts := strings.Split(strings.TrimPrefix(physicalID, idPrefix), "/")
	if !ownsID(physicalID) || len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return identity{}, fmt.Errorf("physical ID %q is not of the form %sCLUSTER/NAMESPACE/RELEASE", physicalID, idPrefix)
	}
	return identity{cluster: parts[0], target: release.Target{Namespace: parts[1], Name: parts[2]}}, nil
}

func ownsID(physicalID string) bool { return strings.HasPrefix(physicalID, idPrefix) }
