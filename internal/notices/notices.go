// Package notices writes the licences of the libraries that the functions'
// binaries contain, which are given on with them.
package notices

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// File is where the notices are, in the project and in a published version.
const File = "THIRD_PARTY_NOTICES"

// Allowed are the licences, by their SPDX identifiers, under which a library may
// be given on in a binary by just telling them; MPL-2.0, of a library that is not
// changed, by telling where its source is, too (its section 3.2).
var Allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", mpl}

const mpl = "MPL-2.0"

// unrelated are texts with such names that are of nothing in a binary.
var unrelated = map[string]string{
	"github.com/aws/aws-lambda-go/LICENSE-SUMMARY":     "which of its licences is for what",
	"github.com/opencontainers/go-digest/LICENSE.docs": "for its documentation",
}

// Module is a library of the binaries.
type Module struct {
	Path, Version string
	// Files are the texts that it wants to be given on, by their place in it:
	// licences and notices of the module, and those of packages of others' in it.
	Files map[string]string
}

// listed is what go list says of a package.
type listed struct {
	Dir    string
	Module *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version string }
	}
}

// Modules are those of which code is in the functions of the source tree at root,
// on any architecture, sorted, and Go's standard library.
func Modules(ctx context.Context, root string) ([]Module, error) {
	found := map[string]*Module{}
	for _, architecture := range []string{"arm64", "amd64"} {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-tags", "lambda.norpc", "-json=Dir,Module", "./lambdas/...")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture, "GOFLAGS=")
		var failed bytes.Buffer
		cmd.Stderr = &failed
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list the functions' packages: %w: %s", err, failed.String())
		}
		if err := add(found, out); err != nil {
			return nil, err
		}
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go's own licence: %w", err)
	}
	std := &Module{Path: "std", Files: map[string]string{}}
	if err := std.take(strings.TrimSpace(string(goroot)), ""); err != nil {
		return nil, err
	}
	modules := []Module{*std}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		modules = append(modules, *found[path])
	}
	return modules, nil
}

func add(found map[string]*Module, packages []byte) error {
	for decoder := json.NewDecoder(bytes.NewReader(packages)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what go list says: %w", err)
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &Module{Path: p.Module.Path, Version: p.Module.Version, Files: map[string]string{}}
			if r := p.Module.Replace; r != nil {
				m.Path, m.Version = r.Path, r.Version
			}
			found[p.Module.Path] = m
		}
		inside, err := filepath.Rel(p.Module.Dir, p.Dir)
		if err != nil {
			return err
		}
		for ; ; inside = filepath.Dir(inside) {
			if err := m.take(p.Module.Dir, inside); err != nil {
				return err
			}
			if inside == "." {
				break
			}
		}
	}
}

var wanted = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-][a-z0-9.-]*)?$`)

// take reads the texts of a folder of the module.
func (m *Module) take(dir, inside string) error {
	entries, err := os.ReadDir(filepath.Join(dir, inside))
	if err != nil {
		return fmt.Errorf("look for licences of %s: %w", m.Path, err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !wanted.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		place := filepath.Join(inside, e.Name())
		if unrelated[m.Path+"/"+filepath.ToSlash(place)] != "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, place))
		if err != nil {
			return fmt.Errorf("read a licence of %s: %w", m.Path, err)
		}
		m.Files[filepath.ToSlash(place)] = strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
	return nil
}

// licences are the SPDX identifiers of the module's licences; an error says of
// which text none is known, or not allowed.
func (m Module) licences() ([]string, error) {
	known := map[string]bool{}
	var problems []error
	for _, place := range slices.Sorted(maps.Keys(m.Files)) {
		name := strings.ToLower(filepath.Base(place))
		if strings.HasPrefix(name, "notice") || strings.HasPrefix(name, "patents") {
			continue
		}
		coverage := licensecheck.Scan([]byte(m.Files[place]))
		if coverage.Percent < 75 {
			problems = append(problems, fmt.Errorf("%s %s: %s is no licence that is known: read it", m.Path, m.Version, place))
		}
		for _, match := range coverage.Match {
			known[match.ID] = true
			if !slices.Contains(Allowed, match.ID) {
				problems = append(problems, fmt.Errorf("%s %s: %s is under %s, which is not among the allowed licences %s", m.Path, m.Version, place, match.ID, strings.Join(Allowed, ", ")))
			}
		}
	}
	if len(known) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s %s has no licence", m.Path, m.Version))
	}
	return slices.Sorted(maps.Keys(known)), errors.Join(problems...)
}

// Line is how the notices name a module and its version; it begins a line.
func Line(path, version string) string { return strings.TrimSpace("* "+path+" "+version) + " (" }

// Text is the notices of the modules: which licence each is under, then each text
// once, with who wants it to be given on. It is an error, naming all of them, if
// any is under a licence that is unknown or not allowed.
func Text(modules []Module) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("The functions of the e6data AWS quickstart contain these libraries. Below are the texts that they want to be given on.\n" +
		"Those under " + mpl + " are not changed: their source, of the very version, is at the address that is their name.\n\n")
	users := map[string][]string{} // by text
	var problems []error
	for _, m := range modules {
		licences, err := m.licences()
		problems = append(problems, err)
		fmt.Fprintf(&out, "%s%s)\n", Line(m.Path, m.Version), strings.Join(licences, ", "))
		for _, place := range slices.Sorted(maps.Keys(m.Files)) {
			users[m.Files[place]] = append(users[m.Files[place]], m.Path+"/"+place)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	texts := slices.SortedFunc(maps.Keys(users), func(a, b string) int { return cmp.Compare(users[a][0], users[b][0]) })
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n%s:\n\n%s\n", strings.Repeat("-", 80), strings.Join(users[text], ",\n"), text)
	}
	return out.Bytes(), nil
}
