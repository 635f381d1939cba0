package publish

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/e6data/aws-quickstart/internal/notices"
)

// sbom is the software bill of materials of the functions' zips in CycloneDX's
// JSON: what Go's linker says it put in. It has no time and no serial number, so
// that the same zips give the same bytes.
func sbom(version string, zips []string) ([]byte, error) {
	libraries := map[string]cdx.Component{}
	var functions []cdx.Component
	var dependencies []cdx.Dependency
	for _, file := range slices.Sorted(slices.Values(zips)) {
		info, err := buildInfo(file)
		if err != nil {
			return nil, fmt.Errorf("read what is in %s: %w", filepath.Base(file), err)
		}
		sum, err := sumOf(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		functions = append(functions, cdx.Component{
			BOMRef: name, Type: cdx.ComponentTypeApplication, Name: name, Version: version,
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum[:])}},
		})
		found := map[string]bool{}
		add := func(module, version string) {
			ref := "pkg:golang/" + module + "@" + version
			libraries[ref] = cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: module, Version: version, PackageURL: ref}
			found[ref] = true
		}
		add("stdlib", strings.TrimPrefix(info.GoVersion, "go"))
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			add(m.Path, m.Version)
		}
		refs := slices.Sorted(maps.Keys(found))
		dependencies = append(dependencies, cdx.Dependency{Ref: name, Dependencies: &refs})
	}
	components := functions
	for _, ref := range slices.Sorted(maps.Keys(libraries)) {
		components = append(components, libraries[ref])
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{Type: cdx.ComponentTypeApplication, Name: "e6data AWS quickstart", Version: version}}
	bom.Components, bom.Dependencies = &components, &dependencies
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	return out.Bytes(), nil
}

// buildInfo is what the linker wrote into a function's executable.
func buildInfo(file string) (*buildinfo.BuildInfo, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f, err := z.Open("bootstrap")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	executable, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return buildinfo.Read(bytes.NewReader(executable))
}

// checkNotices wants every library of the SBOM, in its version, in the notices
// that are published with it.
func checkNotices(dir string, bom []byte) error {
	told, err := os.ReadFile(filepath.Join(dir, notices.File))
	if err != nil {
		return fmt.Errorf("read the notices: %w", err)
	}
	var b cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(bom), cdx.BOMFileFormatJSON).Decode(&b); err != nil {
		return fmt.Errorf("read the SBOM: %w", err)
	}
	if b.Components == nil {
		return errors.New("the SBOM has nothing in it")
	}
	var problems []error
	for _, c := range *b.Components {
		if c.Type == cdx.ComponentTypeLibrary && c.Name != "stdlib" && !bytes.Contains(told, []byte("\n"+notices.Line(c.Name, c.Version))) {
			problems = append(problems, fmt.Errorf("%s has no licence of %s %s: run make notices, and commit it", notices.File, c.Name, c.Version))
		}
	}
	return errors.Join(problems...)
}
