package contract

// The modes of the quickstart, by what a template finds and what it makes.
const (
	ModeNewVPC      = "new-vpc"
	ModeExistingVPC = "existing-vpc"
	ModeExistingEKS = "existing-eks"
)

// Modes are the names of all modes, in the order of the documentation.
func Modes() []string { return []string{ModeNewVPC, ModeExistingVPC, ModeExistingEKS} }

// ModeTemplate is the file of a mode's template, in the project and in a
// published version; empty: there is no such mode.
func ModeTemplate(mode string) string {
	return map[string]string{
		ModeNewVPC:      "quickstart.yaml",
		ModeExistingVPC: "templates/existing-vpc.yaml",
		ModeExistingEKS: "templates/existing-eks.yaml",
	}[mode]
}

// InstallerRole is the name of the installer's role on an existing cluster, known
// before the launch (docs/adr/0025-installer-role-of-a-known-name.md). The
// arguments may be placeholders.
func InstallerRole(workspace, region string) string {
	return "e6data-" + workspace + "-installer-" + region
}
