package golden

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUpdateWritesWhatIsCompared(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	before := *update
	defer func() { *update = before }()
	*update = true
	Check(t, file, "one\ntwo\n")
	*update = false
	Check(t, file, "one\ntwo\n")
	if text, err := os.ReadFile(file); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}
}
