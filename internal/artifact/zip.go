package artifact

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// epoch is the modification time of every zipped file: zip's own first day, so
// that the bytes do not tell when they were made.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Entry is one file of a zip.
type Entry struct {
	Name    string
	Mode    fs.FileMode
	Content io.Reader
}

// WriteZip writes a zip of the entries in their order. The same entries give the
// same bytes.
func WriteZip(w io.Writer, entries ...Entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.Name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(e.Mode)
		f, err := z.CreateHeader(h)
		if err != nil {
			return fmt.Errorf("zip %s: %w", e.Name, err)
		}
		if _, err := io.Copy(f, e.Content); err != nil {
			return fmt.Errorf("zip %s: %w", e.Name, err)
		}
	}
	return z.Close()
}
