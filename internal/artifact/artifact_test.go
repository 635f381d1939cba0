package artifact

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestBuildGivesTheSameBytesFromAnotherFolder(t *testing.T) {
	source := map[string]string{
		"go.mod":                "module example.test/functions\n\ngo 1.24\n",
		"lambdas/hello/main.go": "package main\n\nfunc main() { println(\"hello\") }\n",
	}
	var zips [2][]byte
	for i := range zips {
		root := t.TempDir()
		for name, text := range source {
			file := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path, err := Build(t.Context(), root, "hello", ARM64, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if zips[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the same source in two folders gives different zips")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Fatalf("the zip holds %v, want one executable bootstrap", z.File)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 20)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	if machine := head[18]; string(head[:4]) != "\x7fELF" || machine != 0xb7 { // ELF e_machine 183 is AArch64
		t.Errorf("bootstrap is not an arm64 ELF binary: % x", head)
	}
}

func TestBuildTellsTheCompilersError(t *testing.T) {
	root := t.TempDir()
	if _, err := Build(t.Context(), root, "missing", X8664, t.TempDir()); err == nil {
		t.Fatal("a function without source was built")
	}
}

func TestParseArchitecture(t *testing.T) {
	for text, ok := range map[string]bool{"arm64": true, "x86_64": true, "amd64": false, "": false} {
		if _, err := ParseArchitecture(text); (err == nil) != ok {
			t.Errorf("ParseArchitecture(%q): %v", text, err)
		}
	}
}

func TestFunctionsAreTheFoldersUnderLambdas(t *testing.T) {
	entries, err := os.ReadDir("../../lambdas")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if len(folders) != len(Functions) {
		t.Fatalf("folders %v, Functions %v", folders, Functions)
	}
	for i := range folders {
		if folders[i] != Functions[i] {
			t.Errorf("folders %v, Functions %v", folders, Functions)
		}
	}
}
