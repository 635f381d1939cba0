package rehearsal

import "time"

// Result is the record of a run: complete for a green one, and as far as it
// came for a red one.
type Result struct {
	// Version, Mode, Region, Order, Charts and Stack say what was run: Mode is
	// empty for a template of the caller's own, Order for the engine's.
	Version, Mode, Region, Order, Charts, Stack string
	// Template is the template's file as the caller knows it.
	Template string
	// Deployer is the ARN of the role that deployed, empty for the account's root.
	Deployer string
	// Resources counts, by stage, what the templates make under no condition.
	Resources map[string]int

	Began time.Time
	Took  time.Duration
	Steps []Step

	Outputs  []Output
	Releases []Release
	// Kept are the things that the template retains, Left those that should be
	// gone; Unlooked are resource types that the leftover check does not know.
	Kept, Left []Item
	Unlooked   []string
	Calls      []Call
	// Troubles are what the clusters showed when a resource failed.
	Troubles []Trouble
	Parts    []Part
	Fault    *FaultOutcome
	// StateDir is set if the state folder was kept.
	StateDir string
}

// Step is one part of a run.
type Step struct {
	Name string
	// Offset is the time from the run's start to the step's.
	Offset, Took time.Duration
	// Skipped steps were left out on request.
	Skipped bool
	Err     error
	Events  []Event
}

// The steps of a run, in order.
const (
	StepStart     = "start"
	StepCreate    = "create"
	StepUpdate    = "update"
	StepDelete    = "delete"
	StepLeftovers = "leftovers"
)

// StepNames are the steps of a run, in order.
func StepNames() []string {
	return []string{StepStart, StepCreate, StepUpdate, StepDelete, StepLeftovers}
}

// Step returns a step of the run, the zero Step if it was not reached.
func (r *Result) Step(name string) Step {
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	return Step{}
}

// Part is a part of the rehearsal with its version.
type Part struct{ Name, Version string }

// NotProved are the things that no rehearsal can show.
func NotProved() []string {
	return []string{
		"AWS's capacity, quotas, waiting times and propagation delays",
		"traffic through the network: only whether the functions have a way out is checked",
		"EKS's own machines: nodes, add-ons and pods are played, and no image is pulled",
		"public charts other than Karpenter's, unless the run took them: stand-ins have their shape, not their content",
	}
}
