package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"aead.dev/minisign"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/e6data/aws-quickstart/internal/publish"
)

// passwordVariable has the password of the signing key.
const passwordVariable = "QUICKSTART_KEY_PASSWORD" //nolint:gosec // G101: its name, not a password

// signing is what the command line asks for of a version's signature.
type signing struct {
	key             string
	unsigned, draft bool
}

// flags adds them to a command; unsigned says what it does without a signature.
func (s *signing) flags(c *cobra.Command, unsigned string) {
	f := c.Flags()
	f.StringVar(&s.key, "key", "", "file with minisign's secret key; its password is read from "+passwordVariable+", or asked for")
	f.BoolVar(&s.unsigned, "unsigned", false, unsigned)
	f.BoolVar(&s.draft, "draft", false, "sign although nobody could build the same: of changes that are in no commit, or with another Go than go.mod's")
}

// keyOrUnsigned wants one of both.
func (s *signing) keyOrUnsigned() error {
	if (s.key == "") != s.unsigned {
		return usageError{errors.New("give --key with minisign's secret key, or --unsigned: customers then cannot check where the files come from")}
	}
	return nil
}

// open gives the key for a version of the project's folder; nil without a
// signature. All that is wrong with either is told.
func (s *signing) open(ctx context.Context, source string, getenv func(string) string) (*minisign.PrivateKey, error) {
	if s.key == "" {
		return nil, nil
	}
	key, err := signingKey(s.key, getenv(passwordVariable))
	return key, errors.Join(err, s.signable(ctx, source))
}

// signable wants sources of which everybody can build the same bytes: what a
// signature says is that the files are of a commit.
func (s *signing) signable(ctx context.Context, source string) error {
	if s.draft {
		return nil
	}
	if err := publish.Committed(ctx, source); err != nil {
		return fmt.Errorf("a signed version must be one that others can build from a commit: %w\n(--draft signs it nevertheless)", err)
	}
	return nil
}

// sign signs a staged version, if there is a key.
func sign(dir, version string, key *minisign.PrivateKey) error {
	if key == nil {
		return nil
	}
	return publish.Sign(dir, version, *key)
}

// signingKey reads minisign's secret key; without a password it asks for one, if
// there is a terminal.
func signingKey(file, password string) (*minisign.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	if stdin := int(os.Stdin.Fd()); password == "" && term.IsTerminal(stdin) {
		fmt.Fprintf(os.Stderr, "Password of %s: ", file)
		typed, err := term.ReadPassword(stdin)
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return nil, fmt.Errorf("ask for the password of the signing key: %w", err)
		}
		password = string(typed)
	}
	key, err := minisign.DecryptKey(password, text)
	if err != nil {
		return nil, fmt.Errorf("open the signing key %s: wrong password in %s, or no secret key of minisign with a password: %w", file, passwordVariable, err)
	}
	return &key, nil
}
