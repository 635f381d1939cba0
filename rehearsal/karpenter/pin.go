//go:build tools

// Package karpenter pins the version of Karpenter that the rehearsal plays.
//
// It is a module of its own so that Karpenter's requirements never reach the
// product's. Nothing is compiled: the rehearsal takes the custom resource
// definitions out of the downloaded module when it packages its stand-in chart
// karpenter-crd, so they always are those of the pinned version. From the
// repository's root, this prints their directory:
//
//	cd rehearsal/karpenter && go mod download github.com/aws/karpenter-provider-aws &&
//	  go list -m -f '{{.Dir}}/pkg/apis/crds' github.com/aws/karpenter-provider-aws
//
// The version must be that of the charts ../charts/karpenter and
// ../charts/karpenter-crd; a test of package charts compares them.
package karpenter

import _ "github.com/aws/karpenter-provider-aws/pkg/apis" // keeps the requirement
