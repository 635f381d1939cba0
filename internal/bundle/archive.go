package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/internal/publish"
)

// modified is when every file of an archive was last changed.
var modified = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Pack writes the archive of a staged bundle: the same files give the same bytes.
func Pack(dir, version string, w io.Writer) error {
	names, err := publish.Files(dir)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(w) // its header has no time unless it is given one
	tarred := tar.NewWriter(zipped)
	for _, name := range names {
		if err := packFile(tarred, filepath.Join(dir, filepath.FromSlash(name)), folderPrefix+version+"/"+name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return errors.Join(tarred.Close(), zipped.Close())
}

func packFile(w *tar.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), ModTime: modified, Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// What an archive may hold, well above what a bundle does.
const (
	maxFiles = 1000
	maxBytes = 1 << 30
)

// member is the name of a file in an archive: below the one folder, in folders
// and with a name that lead nowhere else.
var member = regexp.MustCompile(`^` + folderPrefix + `[0-9][A-Za-z0-9.+-]*/([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)$`)

// Unpack takes an archive apart into an empty folder. It refuses anything but
// plain files with plain names in one folder, and more than a bundle can be. It
// does not compare any sum: publish.Verify does.
func Unpack(ctx context.Context, archive io.Reader, dir string) error {
	return unpack(ctx, archive, dir, maxBytes)
}

func unpack(ctx context.Context, archive io.Reader, dir string, limit int64) error {
	zipped, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("it is no bundle: %w", err)
	}
	left := &io.LimitedReader{R: zipped, N: limit}
	u := unpacking{dir: dir}
	tarred := tar.NewReader(left)
	for ctx.Err() == nil {
		header, err := tarred.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = u.file(header, tarred)
		}
		switch {
		case err != nil && left.N == 0:
			return fmt.Errorf("it holds more than %d bytes: it is no bundle", limit)
		case err != nil:
			return fmt.Errorf("take it apart: %w", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// The sum of all that was compressed stands at the end.
	if _, err := io.Copy(io.Discard, left); err != nil {
		return fmt.Errorf("take it apart: %w", err)
	}
	return nil
}

type unpacking struct {
	dir    string
	folder string
	names  []string
}

func (u *unpacking) file(header *tar.Header, body io.Reader) error {
	m := member.FindStringSubmatch(header.Name)
	folder, _, _ := strings.Cut(header.Name, "/")
	switch {
	case header.Typeflag != tar.TypeReg:
		return fmt.Errorf("%.200q is no plain file", header.Name)
	case m == nil:
		return fmt.Errorf("%.200q is no name of a bundle's file", header.Name)
	case u.folder != "" && folder != u.folder:
		return fmt.Errorf("%.200q is not in the folder %s, where the other files are", header.Name, u.folder)
	case slices.Contains(u.names, m[1]):
		return fmt.Errorf("%.200q is there twice", header.Name)
	case len(u.names) == maxFiles:
		return fmt.Errorf("it holds more than %d files", maxFiles)
	}
	u.folder, u.names = folder, append(u.names, m[1])
	to := filepath.Join(u.dir, filepath.FromSlash(m[1]))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302: for others to read, nothing secret is in it
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}
