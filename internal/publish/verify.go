package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"aead.dev/minisign"
)

// Verify compares all files with the sums, and, with a key, the sums with their
// signature. It tells every file that is missing, changed, or, where that can be
// told, too many. It returns which version it is, and how many files are right.
func Verify(ctx context.Context, s Source, key *minisign.PublicKey) (version string, right int, err error) {
	text, err := read(ctx, s, SumsFile)
	if err != nil {
		return "", 0, fmt.Errorf("%s has no %s, so it is no whole version: %w", s, SumsFile, err)
	}
	wanted, err := parseSums(text)
	if err != nil {
		return "", 0, err
	}
	var problems []error
	if named, err := read(ctx, s, "VERSION"); err == nil { // if it cannot be read, it is named below
		version = strings.TrimSpace(string(named))
	}
	if key != nil {
		problems = append(problems, signature(ctx, s, text, version, *key))
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := compare(ctx, s, name, wanted); err != nil {
			problems = append(problems, err)
			continue
		}
		right++
	}
	return version, right, errors.Join(append(problems, tooMany(ctx, s, wanted))...)
}

// read is a small file.
func read(ctx context.Context, s Source, name string) ([]byte, error) {
	r, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<20)) // the sums and their signature are small
}

func compare(ctx context.Context, s Source, name string, wanted sums) error {
	r, err := s.open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", name)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	sum, err := sumOfReader(r)
	if err == nil && sum != wanted[name] {
		err = fmt.Errorf("%s was changed: its SHA-256 sum is %x, the version's is %x", name, sum, wanted[name])
	}
	return err
}

// signature checks that of the sums. The version is the one that VERSION says,
// which the sums hold too.
func signature(ctx context.Context, s Source, text []byte, version string, key minisign.PublicKey) error {
	signature, err := read(ctx, s, SignatureFile)
	if err != nil {
		return fmt.Errorf("the sums are not signed: %w", err)
	}
	return checkSignature(text, signature, version, key)
}

// tooMany are files that the sums do not know.
func tooMany(ctx context.Context, s Source, wanted sums) error {
	names, err := s.names(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		if _, known := wanted[name]; !known && name != SumsFile && name != SignatureFile {
			problems = append(problems, fmt.Errorf("%s is no file of the version", name))
		}
	}
	return errors.Join(problems...)
}
