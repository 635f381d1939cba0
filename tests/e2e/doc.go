// Package e2e deploys the real templates with the real function binaries on the
// rehearsal: the embedded AWS with IAM enforced, and the embedded Kubernetes.
//
// The tests need what `make rehearsal-parts` builds, named by the environment
// variables that the Makefile sets; without them they are skipped. CAMPAIGN=1
// runs every case where otherwise a seeded sample runs (SEED to repeat one).
package e2e
