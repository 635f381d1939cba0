package main

import (
	"os"
	"path/filepath"
	"strings"
)

// settingsFile lies beside the command and has what make knows, NAME=VALUE in
// each line: so the command also runs without make.
const settingsFile = "rehearsal.env"

// withSettings completes an environment with those of the file. What is set
// in the environment comes first.
func withSettings(getenv func(string) string, text string) func(string) string {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			settings[name] = value
		}
	}
	return func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return settings[name]
	}
}

// settings reads the file beside the command, if it is there.
func settings() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(self), settingsFile))
	if err != nil {
		return ""
	}
	return string(text)
}
