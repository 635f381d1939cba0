package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
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

const (
	checkPrefix = "clustercheck/"
	// passedLimit is how many digests a physical ID carries: it may have 1,024
	// bytes, and a stack goes back to what it was lately.
	passedLimit = 16
)

// checkIdentity is the physical ID of a Custom::ClusterCheck. It carries the
// digests of the properties that have passed, the latest last, so that the
// rollback of an update finds them. A new ID makes CloudFormation delete the old
// one, which does nothing.
type checkIdentity struct {
	cluster, workspace string
	passed             []string
}

// String is clustercheck/CLUSTER/WORKSPACE/DIGEST,DIGEST.
func (i checkIdentity) String() string {
	return checkPrefix + i.cluster + "/" + i.workspace + "/" + strings.Join(i.passed, ",")
}

// with adds a digest, or moves it to the end.
func (i checkIdentity) with(digest string) checkIdentity {
	passed := append(slices.DeleteFunc(slices.Clone(i.passed), func(d string) bool { return d == digest }), digest)
	i.passed = passed[max(0, len(passed)-passedLimit):]
	return i
}

// parseCheckID reads what String wrote. Of an ID that cannot be read nothing is
// known to have passed.
func parseCheckID(physicalID string) checkIdentity {
	parts := strings.Split(strings.TrimPrefix(physicalID, checkPrefix), "/")
	if !ownsCheckID(physicalID) || len(parts) != 3 || parts[2] == "" {
		return checkIdentity{}
	}
	return checkIdentity{cluster: parts[0], workspace: parts[1], passed: strings.Split(parts[2], ",")}
}

func ownsCheckID(physicalID string) bool { return strings.HasPrefix(physicalID, checkPrefix) }

// digestOf is enough of the hash of a request's properties to tell two sets
// apart. A property that a later version adds changes it only when it is given.
func digestOf(p contract.ClusterCheck) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("properties of %T: %w", p, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6]), nil
}
