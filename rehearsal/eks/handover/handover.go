// Package handover reads and writes the files by which the embedded AWS and this
// process tell each other what there is: whole files, replaced at once.
package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// poll finds a change of which the file system did not tell.
const poll = 2 * time.Second

// Watch calls use with the file's content, and again whenever that has changed,
// until ctx ends; never while there is no file. It does not wait for the file.
func Watch(ctx context.Context, file string, use func(ctx context.Context, content []byte)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	// The directory, for a file that is replaced is another file each time.
	if err := w.Add(filepath.Dir(file)); err != nil {
		return errors.Join(fmt.Errorf("watch %s: %w", file, err), w.Close())
	}
	go func() {
		defer w.Close()
		t := time.NewTicker(poll)
		defer t.Stop()
		var last []byte
		for {
			b, err := os.ReadFile(file)
			switch {
			case err == nil && (last == nil || !bytes.Equal(b, last)):
				last = b
				use(ctx, b)
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				slog.WarnContext(ctx, "file cannot be read", "file", file, "reason", err)
			}
			if !changed(ctx, w, t, filepath.Base(file)) {
				return
			}
		}
	}()
	return nil
}

// changed waits until the file may have changed; false says that ctx has ended.
func changed(ctx context.Context, w *fsnotify.Watcher, t *time.Ticker, name string) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return true
		case err := <-w.Errors: // such as lost events: the poll finds them
			slog.WarnContext(ctx, "the watch of a file failed: it is looked at now and then", "file", name, "reason", err)
		case e := <-w.Events:
			if filepath.Base(e.Name) == name {
				return true
			}
		}
	}
}

// Write replaces the file at once with the value as JSON.
func Write(file string, value any) error {
	b, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
