package rehearsal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// ModeTemplate is the file of the mode's template in the published version. It
// refuses a mode that this version does not have, and names those it has.
func (a Artifacts) ModeTemplate(mode string) (string, error) {
	if !slices.Contains(contract.Modes(), mode) {
		return "", fmt.Errorf("mode %q: want one of %s", mode, strings.Join(contract.Modes(), ", "))
	}
	var there []string
	for _, m := range contract.Modes() {
		if _, err := os.Stat(filepath.Join(a.Dir, contract.ModeTemplate(m))); err == nil {
			there = append(there, m)
		}
	}
	if !slices.Contains(there, mode) {
		return "", fmt.Errorf("mode %s is not in this version (it has: %s)", mode, strings.Join(there, ", "))
	}
	return contract.ModeTemplate(mode), nil
}
