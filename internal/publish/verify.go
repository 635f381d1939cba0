package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aead.dev/minisign"
)

// Source is where the files of a version are: a folder, or an address.
type Source struct {
	place string
	at    *url.URL // nil: place is a folder
	http  *http.Client
}

// Open is the source at a folder or an https address.
func Open(place string) (Source, error) {
	if !strings.Contains(place, "://") {
		return Source{place: place}, nil
	}
	at, err := url.Parse(place)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return Source{}, fmt.Errorf("%q: want a folder, or an address with https", place)
	}
	return Source{place, at, http.DefaultClient}, nil
}

// open is one file.
func (s Source) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if s.at == nil {
		return os.Open(filepath.Join(s.place, filepath.FromSlash(name)))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at.JoinPath(name).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("get %s: %w", request.URL, fs.ErrNotExist)
	}
	return nil, fmt.Errorf("get %s: %s", request.URL, response.Status)
}

func (s Source) read(ctx context.Context, name string) ([]byte, error) {
	r, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<20)) // the sums and their signature are small
}

// Verify compares all files with the sums, and, with a key, the sums with their
// signature. It tells every file that is missing, changed, or, in a folder, too
// many, and returns how many files are right.
func Verify(ctx context.Context, s Source, key *minisign.PublicKey) (int, error) {
	text, err := s.read(ctx, SumsFile)
	if err != nil {
		return 0, fmt.Errorf("%s has no %s, so it is no whole version: %w", s.place, SumsFile, err)
	}
	wanted, err := parseSums(text)
	if err != nil {
		return 0, err
	}
	var problems []error
	if key != nil {
		problems = append(problems, s.signature(ctx, text, *key))
	}
	right := 0
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := s.compare(ctx, name, wanted); err != nil {
			problems = append(problems, err)
			continue
		}
		right++
	}
	return right, errors.Join(append(problems, s.tooMany(wanted))...)
}

func (s Source) compare(ctx context.Context, name string, wanted sums) error {
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
func (s Source) signature(ctx context.Context, text []byte, key minisign.PublicKey) error {
	signature, err := s.read(ctx, SignatureFile)
	if err != nil {
		return fmt.Errorf("the sums are not signed: %w", err)
	}
	version, err := s.read(ctx, "VERSION")
	if err != nil {
		return fmt.Errorf("read the version that is signed: %w", err)
	}
	return checkSignature(text, signature, strings.TrimSpace(string(version)), key)
}

// tooMany are files of a folder that the sums do not know.
func (s Source) tooMany(wanted sums) error {
	if s.at != nil {
		return nil
	}
	names, err := Files(s.place)
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
