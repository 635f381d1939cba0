package handover

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	for name, watch := range map[string]func(context.Context, string, func(context.Context, []byte)) error{
		"told by the file system": Watch,
		"told of nothing": func(ctx context.Context, file string, use func(context.Context, []byte)) error {
			go follow(ctx, file, told{}, often, use)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "told.json")
			seen := make(chan string, 10)
			if err := watch(t.Context(), file, func(_ context.Context, b []byte) { seen <- string(b) }); err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{"one", "two", "two", "three"} {
				if err := Write(file, value); err != nil {
					t.Fatal(err)
				}
				if value == "two" {
					continue // what is written twice is told once; it may be overtaken by the next
				}
				await(t, seen, "\""+value+"\"\n")
			}
		})
	}
}

func await(t *testing.T, seen <-chan string, want string) {
	t.Helper()
	for got := ""; got != want; {
		select {
		case got = <-seen:
		case <-time.After(time.Minute):
			t.Fatalf("nobody told of %s", want)
		}
	}
}

func TestWatchNeedsADirectory(t *testing.T) {
	if err := Watch(t.Context(), filepath.Join(t.TempDir(), "none", "file"), nil); err == nil {
		t.Error("a file in a directory that does not exist is watched")
	}
}
