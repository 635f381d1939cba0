package netplan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Zone is one Availability Zone as EC2's DescribeAvailabilityZones tells it.
type Zone struct {
	Name string // us-east-1a: another place in every account
	ID   string // use1-az1: the same place in every account
	// Type is availability-zone, local-zone or wavelength-zone.
	Type string
	// State is available, information, impaired, unavailable or constrained.
	State string
	// OptIn is opt-in-not-required, opted-in or not-opted-in.
	OptIn string
}

// refused are the IDs of the zones in which EKS makes no cluster
// (eks/latest/userguide/network-reqs.html, "Subnet requirements").
var refused = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// RefusedByEKS tells whether EKS makes no cluster in the zone of an ID.
func RefusedByEKS(zoneID string) bool { return slices.Contains(refused, zoneID) }

// Names tells whether a list of names and IDs has z, and how it calls it.
func Names(list []string, z Zone) (string, bool) { return excludes(list, z) }

// Selection is the result of Choose.
type Selection struct {
	// Zones are the chosen zones' names, sorted: MinZones to Slots.
	Zones []string
	// LeftOut says for each other zone why it was not chosen.
	LeftOut []string
	// Unmatched are the exclusions that name none of the zones.
	Unmatched []string
}

// Choose picks the zones of a new network's cluster: of those offered the
// available Availability Zones (no local or Wavelength Zones) that EKS accepts
// and that neither excluded nor the additional zones (names) name, in the order
// of their names, as many as there are slots besides the additional ones. With
// fewer than MinZones it fails and says what was left out and why.
func Choose(offered []Zone, excluded, additional []string) (Selection, error) {
	zones := slices.SortedFunc(slices.Values(offered), func(a, b Zone) int { return cmp.Compare(a.Name, b.Name) })
	zones = slices.CompactFunc(zones, func(a, b Zone) bool { return a.Name == b.Name })
	var s Selection
	for _, z := range zones {
		why := unusable(z, excluded)
		switch {
		case why == "" && RefusedByEKS(z.ID):
			why = "EKS makes no cluster there"
		case why == "" && slices.Contains(additional, z.Name):
			why = "AdditionalAvailabilityZones names it, so it is for Karpenter's nodes only"
		}
		if why != "" {
			s.LeftOut = append(s.LeftOut, fmt.Sprintf("%s (%s): %s", z.Name, cmp.Or(z.ID, "no ID"), why))
			continue
		}
		if len(s.Zones) == Slots-len(additional) {
			s.LeftOut = append(s.LeftOut, fmt.Sprintf("%s (%s): a network has %d zones at most", z.Name, z.ID, Slots))
			continue
		}
		s.Zones = append(s.Zones, z.Name)
	}
	s.Unmatched = unmatched(zones, excluded)
	if len(s.Zones) < MinZones {
		return Selection{}, &TooFewZonesError{s}
	}
	return s, nil
}

// Added reads a list of additional zones, names or IDs, into names, each once
// and in the order given. Zones in which EKS makes no cluster are fine: only its
// control plane is not there. A zone that plan holds is taken by its name even
// if AWS offers it no longer. The error names every zone that cannot be added.
func Added(plan Plan, asked []string, offered []Zone, excluded []string) ([]string, error) {
	var names []string
	var problems []error
	for _, a := range asked {
		a = strings.TrimSpace(a)
		if a == "" {
			continue
		}
		name, err := added(plan, a, offered, excluded)
		if err != nil {
			problems = append(problems, fmt.Errorf("AdditionalAvailabilityZones: %w", err))
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, errors.Join(problems...)
}

func added(plan Plan, asked string, offered []Zone, excluded []string) (string, error) {
	z := Zone{Name: asked}
	i := slices.IndexFunc(offered, func(z Zone) bool { _, hit := excludes([]string{asked}, z); return hit })
	if i >= 0 {
		z = offered[i]
	}
	if slot := plan.Holds(z.Name); slot >= 0 {
		if plan.Places[slot].Additional {
			return plan.Places[slot].Zone, nil
		}
		return "", fmt.Errorf("zone %s is one of the cluster's zones (%s) already; take it out of the list", asked, strings.Join(plan.Zones(), ", "))
	}
	if i < 0 {
		return "", fmt.Errorf("the region has no zone %s; it has %s", asked, known(offered))
	}
	if why := unusable(z, excluded); why != "" {
		return "", fmt.Errorf("zone %s (%s) cannot be added: %s", z.Name, z.ID, why)
	}
	return z.Name, nil
}

// known are the names of the zones that an answer could name: an account has
// Local Zones and Wavelength Zones too once it opts in to them.
func known(offered []Zone) string {
	names := make([]string, 0, len(offered))
	for _, z := range offered {
		if isAvailabilityZone(z) {
			names = append(names, z.Name)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

func isAvailabilityZone(z Zone) bool { return z.Type == "" || z.Type == "availability-zone" }

// unusable says why a network cannot have subnets in a zone; empty: it can.
func unusable(z Zone, excluded []string) string {
	x, hit := excludes(excluded, z)
	switch {
	case !zoneName.MatchString(z.Name):
		return "its name is not that of a zone"
	case !isAvailabilityZone(z):
		return "it is a " + z.Type
	case z.State != "" && z.State != "available":
		return "its state is " + z.State
	case z.OptIn == "not-opted-in":
		return "the account has not opted in to it"
	case hit:
		return "ExcludedAvailabilityZones names " + x
	}
	return ""
}

// excludes tells whether a list of exclusions names z, and how.
func excludes(excluded []string, z Zone) (string, bool) {
	for _, x := range excluded {
		x = strings.TrimSpace(x)
		if x != "" && (strings.EqualFold(x, z.Name) || strings.EqualFold(x, z.ID)) {
			return x, true
		}
	}
	return "", false
}

func unmatched(zones []Zone, excluded []string) []string {
	var none []string
	for _, x := range excluded {
		if strings.TrimSpace(x) == "" {
			continue
		}
		if !slices.ContainsFunc(zones, func(z Zone) bool { _, hit := excludes([]string{x}, z); return hit }) {
			none = append(none, strings.TrimSpace(x))
		}
	}
	return none
}

// TooFewZonesError says that a cluster cannot have MinZones zones.
type TooFewZonesError struct{ found Selection }

// Why says which zones are left and why the others are not.
func (e *TooFewZonesError) Why() string {
	have := "none can be used"
	if len(e.found.Zones) > 0 {
		have = "only " + strings.Join(e.found.Zones, ", ") + " can be used"
	}
	why := "the region offers no others"
	if len(e.found.LeftOut) > 0 {
		why = "left out are " + strings.Join(e.found.LeftOut, "; ")
	}
	return fmt.Sprintf("an EKS cluster needs %d Availability Zones and %s: %s", MinZones, have, why)
}

func (e *TooFewZonesError) Error() string {
	return e.Why() + ". Exclude fewer zones or choose another region"
}
