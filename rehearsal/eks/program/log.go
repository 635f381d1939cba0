package program

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Line is a line of a program's output and when it was written.
type Line struct {
	At   time.Time
	Text string
}

// logWriter writes a log as container runtimes do: each line after its time.
type logWriter struct {
	mu   sync.Mutex
	file *os.File
	part []byte // of a line that has not ended yet
}

func newLog(name string) (*logWriter, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a container's log: %w", err)
	}
	return &logWriter{file: f}, nil
}

// Write implements io.Writer.
func (w *logWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part = append(w.part, b...)
	for {
		line, rest, ended := bytes.Cut(w.part, []byte("\n"))
		if !ended {
			return len(b), nil
		}
		if err := w.line(line); err != nil {
			return 0, err
		}
		w.part = rest
	}
}

func (w *logWriter) line(text []byte) error {
	_, err := fmt.Fprintf(w.file, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), text)
	return err
}

func (w *logWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.part) > 0 {
		_ = w.line(w.part)
	}
	return w.file.Close()
}

// readLog reads the lines of a log from an offset; it tells the offset of what
// comes next.
func readLog(name string, offset int64) ([]Line, int64, error) {
	b, err := os.ReadFile(name)
	if err != nil || offset >= int64(len(b)) {
		return nil, offset, err
	}
	b = b[offset:]
	b = b[:bytes.LastIndexByte(b, '\n')+1] // without a line that is being written
	var lines []Line
	for text := range strings.Lines(string(b)) {
		at, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		t, _ := time.Parse(time.RFC3339Nano, at)
		lines = append(lines, Line{At: t, Text: rest})
	}
	return lines, offset + int64(len(b)), nil
}
