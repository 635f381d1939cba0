package handover

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "told.json")
	seen := make(chan string, 10)
	if err := Watch(t.Context(), file, func(_ context.Context, b []byte) { seen <- string(b) }); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"one", "two", "two", "three"} {
		if err := Write(file, value); err != nil {
			t.Fatal(err)
		}
		if value == "two" {
			continue // what is written twice is told once; it may be overtaken by the next
		}
		for want, got := "\""+value+"\"\n", ""; got != want; {
			select {
			case got = <-seen:
			case <-time.After(time.Minute):
				t.Fatalf("nobody told of %s", want)
			}
		}
	}
}

func TestWatchNeedsADirectory(t *testing.T) {
	if err := Watch(t.Context(), filepath.Join(t.TempDir(), "none", "file"), nil); err == nil {
		t.Error("a file in a directory that does not exist is watched")
	}
}
