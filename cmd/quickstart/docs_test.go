package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// docs are the pages for people, by their path from the project's folder.
func docs(t *testing.T) (pages []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"dist", "node_modules", "testdata", "cdk.out"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// commandLines are the lines of a page's code blocks and the code in its text,
// without comments.
func commandLines(t *testing.T, page string) (lines []string) {
	t.Helper()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	add := func(code string) {
		for line := range strings.Lines(strings.ReplaceAll(code, "\\\n", " ")) {
			line, _, _ = strings.Cut(line, " #")
			if !noCommand.MatchString(line) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	err = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			add(string(n.Lines().Value(source)))
		case *ast.CodeSpan:
			var code strings.Builder
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if part, ok := c.(*ast.Text); ok {
					code.Write(part.Segment.Value(source))
				}
			}
			add(code.String())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

var (
	quickstartLine = regexp.MustCompile(`(?:^|\$\(|&& )(?:dist/)?quickstart( [a-z-][^"|;&)]*)`)
	makeLine       = regexp.MustCompile(`(?:^|&& )make((?: [A-Za-z=".-]+)+)`)
	// noCommand is a picture, or a sentence that begins with make.
	noCommand  = regexp.MustCompile(`─|^make the `)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// Every command line in the pages is one that the command and the Makefile take:
// names and flags, though not what a flag's value means.
func TestCommandsInThePagesExist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	commands, made := 0, 0
	for _, page := range docs(t) {
		for _, line := range commandLines(t, page) {
			for _, m := range quickstartLine.FindAllStringSubmatch(line, -1) {
				commands++
				if err := takes(strings.Fields(m[1])); err != nil {
					t.Errorf("%s: %q: %v", page, line, err)
				}
			}
			for _, m := range makeLine.FindAllStringSubmatch(line, -1) {
				for word := range strings.FieldsSeq(m[1]) {
					if strings.ContainsAny(word, "=\"") {
						break // a variable, and what it holds
					}
					made++
					if !targets[word] {
						t.Errorf("%s: %q: the Makefile has no target %s", page, line, word)
					}
				}
			}
		}
	}
	if commands < 30 || made < 15 {
		t.Errorf("only %d command lines and %d targets were found", commands, made)
	}
}

// takes tells what is wrong with a command line, as far as its names go.
func takes(words []string) error {
	if end := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "…") }); end >= 0 {
		words = words[:end]
	}
	var args []string
	for _, w := range words {
		args = append(args, strings.Trim(w, `'"[],`))
	}
	c, rest, err := root(func(string) string { return "" }).Find(args)
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	// A flag that is named alone, to speak of it, needs no value here.
	if n := len(rest); n > 0 && strings.HasPrefix(rest[n-1], "--") && !strings.Contains(rest[n-1], "=") {
		if f := c.Flags().Lookup(rest[n-1][2:]); f != nil && f.NoOptDefVal == "" {
			rest = rest[:n-1]
		}
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if len(rest) == 0 { // it is only named
		return nil
	}
	return noStrays(c)
}

// noStrays refuses words that the command does not take, such as the name of a
// command that is no more.
func noStrays(c *cobra.Command) error {
	if !c.Runnable() {
		if args := c.Flags().Args(); len(args) > 0 {
			return usageError{cobra.NoArgs(c, args)}
		}
		return nil
	}
	return c.ValidateArgs(c.Flags().Args())
}
