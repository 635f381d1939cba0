package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Committed tells whether others can build the same bytes as from the project's
// folder: it is a clone whose files are all as a commit has them, and Go is
// exactly the toolchain of go.mod. The error has everything that is not so.
func Committed(ctx context.Context, source string) error {
	return errors.Join(allCommitted(ctx, source), pinnedGo(ctx, source))
}

// allCommitted wants no change that git would see, also no new file: it could be
// built in.
func allCommitted(ctx context.Context, source string) error {
	changed, err := output(ctx, source, "git", "status", "--porcelain", "--untracked-files=all")
	if err != nil {
		return fmt.Errorf("ask git which files are committed: %w", err)
	}
	if changed == "" {
		return nil
	}
	const shown = 5
	lines := strings.Split(changed, "\n")
	if more := len(lines) - shown; more > 0 {
		lines = append(lines[:shown], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("commit, ignore or remove first:\n%s", strings.Join(lines, "\n"))
}

func pinnedGo(ctx context.Context, source string) error {
	text, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return fmt.Errorf("read the version of Go that builds: %w", err)
	}
	module, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return fmt.Errorf("read the version of Go that builds: %w", err)
	}
	if module.Toolchain == nil {
		return errors.New("go.mod has no line toolchain: nobody knows with which Go to build the same")
	}
	have, err := output(ctx, source, "go", "env", "GOVERSION")
	if err != nil {
		return fmt.Errorf("ask Go for its version: %w", err)
	}
	if want := module.Toolchain.Name; have != want {
		return fmt.Errorf("this would be built with %s, but go.mod's toolchain is %s: set GOTOOLCHAIN=%s", have, want, want)
	}
	return nil
}

func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // G204: git and go
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(exit.Stderr)))
	}
	return strings.TrimRight(string(out), "\n"), err
}
