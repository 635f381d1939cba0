package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
)

const (
	idPrefix = "awsauth/"
	// methodEither is the method of an ID that was answered before it was known.
	methodEither = "Either"
)

// identity is what a Custom::AWSAuth manages; its text form is the physical ID.
// The method is a part of it, since a cluster's authentication mode can change:
// then an Update makes the other kind of entry, and CloudFormation has the old
// one deleted.
type identity struct {
	cluster, principal, method string
}

// String is awsauth/CLUSTER/PRINCIPAL/METHOD. Names of clusters have no slash
// and methods neither; ARNs do.
func (i identity) String() string {
	return idPrefix + i.cluster + "/" + i.principal + "/" + i.method
}

// parseIdentity reads a physical ID that String wrote.
func parseIdentity(physicalID string) (identity, error) {
	rest, ours := strings.CutPrefix(physicalID, idPrefix)
	cluster, rest, _ := strings.Cut(rest, "/")
	cut := strings.LastIndex(rest, "/")
	if !ours || cluster == "" || cut < 1 {
		return identity{}, fmt.Errorf("physical ID %q is not of the form %sCLUSTER/PRINCIPAL/METHOD", physicalID, idPrefix)
	}
	i := identity{cluster: cluster, principal: rest[:cut], method: rest[cut+1:]}
	switch i.method {
	case contract.MethodAccessEntry, contract.MethodConfigMap, methodEither:
		return i, nil
	}
	return identity{}, fmt.Errorf("physical ID %q has the unknown method %q", physicalID, i.method)
}

func ownsID(physicalID string) bool { return strings.HasPrefix(physicalID, idPrefix) }

// sameEntry tells whether two IDs are of one principal on one cluster.
func (i identity) sameEntry(other identity) bool {
	return i.cluster == other.cluster && i.principal == other.principal
}

// owner is the resource of a stack to which an entry belongs.
type owner struct {
	stack    string // the UUID that ends the stack's ID
	resource string // the logical ID
}

func ownerOf(stackID, logicalID string) owner {
	return owner{stack: stackID[strings.LastIndex(stackID, "/")+1:], resource: logicalID}
}

const (
	labelStack    = "quickstart.e6data.com/stack-uuid"
	labelResource = "quickstart.e6data.com/logical-id"
	backupPrefix  = "e6data-aws-auth-"
)

// tags are put on an access entry that this owner makes. EKS gives no other way
// to tell it from one of the customer's.
func (o owner) tags() map[string]string {
	return map[string]string{contract.MadeByTag: o.stack, labelResource: o.resource}
}

func (o owner) made(tags map[string]string) bool {
	return o.stack != "" && tags[contract.MadeByTag] == o.stack && tags[labelResource] == o.resource
}

// backup is where the owner's edits of aws-auth are remembered: one for each
// principal, since CloudFormation makes the new one before it deletes the old.
func (o owner) backup(p principal) awsauth.Backup {
	return awsauth.Backup{
		Name:   backupPrefix + digest(o.stack+"\n"+o.resource+"\n"+p.withoutPath()),
		Labels: map[string]string{labelStack: label(o.stack), labelResource: label(o.resource)},
	}
}

// label is text as a Kubernetes label value, which has at most 63 characters.
// Logical IDs are letters and digits.
func label(text string) string {
	const most = 63
	if len(text) <= most {
		return text
	}
	return "sha256-" + digest(text)
}

// digest is enough of a hash to tell texts apart: 80 bits.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:10])
}
