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

// poll finds a change of which the file system did not tell; often, where it
// tells of none at all.
const (
	poll  = 2 * time.Second
	often = 200 * time.Millisecond
)

// told is how the file system tells of changes in a folder. The zero value tells
// of nothing.
type told struct {
	events <-chan fsnotify.Event
	errors <-chan error
}

// Watch calls use with the file's content, and again whenever that has changed,
// until ctx ends; never while there is no file. It does not wait for the file,
// and fails if there is no folder for it.
// Where the system has no watch left to give (Linux has 128 for each user,
// fs.inotify.max_user_instances), the file is looked at now and then.
func Watch(ctx context.Context, file string, use func(ctx context.Context, content []byte)) error {
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	w, err := watcher(filepath.Dir(file))
	if err != nil {
		slog.WarnContext(ctx, "a file cannot be watched: it is looked at now and then", "file", file, "reason", err)
		go follow(ctx, file, told{}, often, use)
		return nil
	}
	go func() {
		defer w.Close()
		follow(ctx, file, told{w.Events, w.Errors}, poll, use)
	}()
	return nil
}

// watcher watches a folder: a file that is replaced is another one each time.
func watcher(folder string) (*fsnotify.Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(folder); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func follow(ctx context.Context, file string, w told, every time.Duration, use func(ctx context.Context, content []byte)) {
	t := time.NewTicker(every)
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
}

// changed waits until the file may have changed; false says that ctx has ended.
func changed(ctx context.Context, w told, t *time.Ticker, name string) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return true
		case err := <-w.errors: // such as lost events: the poll finds them
			slog.WarnContext(ctx, "the watch of a file failed: it is looked at now and then", "file", name, "reason", err)
		case e := <-w.events:
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
