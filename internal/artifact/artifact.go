// Package artifact builds what a version publishes: a zip for each Lambda
// function and architecture. The same commit gives the same bytes.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Functions are the Lambda functions, by their folder under lambdas/.
var Functions = []string{"awsauth", "helminstaller", "outputs"}

// BucketPrefix and a region's name make the name of the bucket that a version
// is published to in that region.
const BucketPrefix = "e6data-quickstart-"

// Bucket is the bucket of a region's published versions.
func Bucket(region string) string { return BucketPrefix + region }

// Architecture is an instruction set in Lambda's words.
type Architecture string

// The architectures that Lambda runs (Lambda developer guide, "Selecting and
// configuring an instruction set architecture").
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// Host is the architecture of this machine.
func Host() Architecture {
	if runtime.GOARCH == "arm64" {
		return ARM64
	}
	return X8664
}

// ParseArchitecture reads "arm64" or "x86_64".
func ParseArchitecture(s string) (Architecture, error) {
	switch a := Architecture(s); a {
	case ARM64, X8664:
		return a, nil
	}
	return "", fmt.Errorf("architecture %q: want %s or %s", s, ARM64, X8664)
}

func (a Architecture) goarch() string {
	if a == X8664 {
		return "amd64"
	}
	return string(a)
}

// ZipName is the file name of a function's zip, as the templates have it.
func ZipName(function string, a Architecture) string { return function + "-" + string(a) + ".zip" }

// flags make the binary depend on the code alone: no build path, no version
// control state, no build ID. Without inlining (-l) the Helm function is a
// quarter smaller and starts sooner; it waits for the network nearly all of its
// time, so nothing that inlining makes faster is missed.
var flags = []string{"-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-gcflags=all=-l", "-ldflags", "-s -w -buildid="}

// plainBuild are Go's defaults, against whatever whoever builds has set.
var plainBuild = []string{
	"CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off",
}

// Compile builds a function's executable at path, from the source tree at root.
func Compile(ctx context.Context, root, function string, a Architecture, path string) error {
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./lambdas/"+function)...) //nolint:gosec // function is one of Functions
	cmd.Dir = root
	cmd.Env = append(os.Environ(), plainBuild...)
	cmd.Env = append(cmd.Env, "GOARCH="+a.goarch())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build function %s for %s: %w\n%s", function, a, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Build compiles a function from the source tree at root and writes its zip
// into dir. The zip holds one file, bootstrap, as the runtime provided.al2023
// wants it.
func Build(ctx context.Context, root, function string, a Architecture, dir string) (path string, err error) {
	tmp, err := os.MkdirTemp("", "function-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	bootstrap := filepath.Join(tmp, "bootstrap")
	if err := Compile(ctx, root, function, a, bootstrap); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, ZipName(function, a))
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	in, err := os.Open(bootstrap)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return path, WriteZip(out, Entry{Name: "bootstrap", Mode: 0o755, Content: in})
}
