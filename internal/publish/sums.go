package publish

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// sums are the SHA-256 sums of files, by their names.
type sums map[string][sha256.Size]byte

// sumsOf are those of all files of a version's folder but the ones that are made
// from them.
func sumsOf(dir string) (sums, error) {
	names, err := Files(dir)
	if err != nil {
		return nil, err
	}
	s := sums{}
	for _, name := range names {
		if name == SumsFile || name == SignatureFile {
			continue
		}
		if s[name], err = sumOf(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func sumOf(file string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return sum, fmt.Errorf("read a file of the version: %w", err)
	}
	defer f.Close()
	return sumOfReader(f)
}

func sumOfReader(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return sum, fmt.Errorf("read a file of the version: %w", err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// text is as sha256sum writes it.
func (s sums) text() []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(s)) {
		sum := s[name]
		fmt.Fprintf(&out, "%x  %s\n", sum[:], name)
	}
	return out.Bytes()
}

// line is one of sha256sum's. Names of published files are plain, and lead
// nowhere else.
var line = regexp.MustCompile(`^([0-9a-f]{64}) [ *]([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)$`)

func parseSums(text []byte) (sums, error) {
	s := sums{}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		m := line.FindStringSubmatch(scanner.Text())
		if m == nil {
			return nil, fmt.Errorf("%s has a line that is none of sha256sum: %.80q", SumsFile, scanner.Text())
		}
		if _, twice := s[m[2]]; twice {
			return nil, fmt.Errorf("%s names %s twice", SumsFile, m[2])
		}
		sum, err := hex.DecodeString(m[1])
		if err != nil {
			return nil, err
		}
		s[m[2]] = [sha256.Size]byte(sum)
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("%s is empty", SumsFile)
	}
	return s, nil
}

// base64Sum is how S3 has a sum.
func base64Sum(sum [sha256.Size]byte) string { return base64.StdEncoding.EncodeToString(sum[:]) }
