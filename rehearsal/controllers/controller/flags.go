package controller

import "strings"

// Flags are a program's arguments of the form --name=value; a flag that stands
// alone is "true". The stand-ins get the arguments of the real programs and
// look only at those they know.
type Flags map[string]string

// ParseFlags reads arguments; what is no flag is left out.
func ParseFlags(args []string) Flags {
	flags := Flags{}
	for i, arg := range args {
		name, found := strings.CutPrefix(arg, "-")
		if !found {
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		switch {
		case given:
		case i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
			value = args[i+1]
		default:
			value = "true"
		}
		flags[name] = value
	}
	return flags
}

// Text gives a flag's value, or otherwise when it is not set.
func (f Flags) Text(name, otherwise string) string {
	if value := f[name]; value != "" {
		return value
	}
	return otherwise
}

// Pairs reads a flag such as --default-tags=a=b,c=d.
func (f Flags) Pairs(name string) map[string]string {
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(f[name], ",") {
		if key, value, found := strings.Cut(pair, "="); found {
			pairs[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return pairs
}

// Ports says where a container's ports are on this host: CONTAINER=HOST, apart by commas.
type Ports string

// Host is the port on this host of a container's port.
func (p Ports) Host(container string) string {
	for pair := range strings.SplitSeq(string(p), ",") {
		if name, host, found := strings.Cut(pair, "="); found && name == container {
			return host
		}
	}
	return container
}
