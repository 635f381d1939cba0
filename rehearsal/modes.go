package rehearsal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The modes of the quickstart, each with a template of its own.
const (
	ModeNewVPC      = "new-vpc"
	ModeExistingVPC = "existing-vpc"
	ModeExistingEKS = "existing-eks"
)

// modeTemplates are the published files of the modes.
var modeTemplates = map[string]string{
	ModeNewVPC:      "quickstart.yaml",
	ModeExistingVPC: "templates/existing-vpc.yaml",
	ModeExistingEKS: "templates/existing-eks.yaml",
}

// Modes are the names of all modes.
func Modes() []string { return []string{ModeNewVPC, ModeExistingVPC, ModeExistingEKS} }

// ModeTemplate is the file of the mode's template in the published version. It
// refuses a mode that this version does not have, and names those it has.
func (a Artifacts) ModeTemplate(mode string) (string, error) {
	if !slices.Contains(Modes(), mode) {
		return "", fmt.Errorf("mode %q: want one of %s", mode, strings.Join(Modes(), ", "))
	}
	var there []string
	for _, m := range Modes() {
		if _, err := os.Stat(filepath.Join(a.Dir, modeTemplates[m])); err == nil {
			there = append(there, m)
		}
	}
	if !slices.Contains(there, mode) {
		return "", fmt.Errorf("mode %s is not in this version (it has: %s)", mode, strings.Join(there, ", "))
	}
	return modeTemplates[mode], nil
}
