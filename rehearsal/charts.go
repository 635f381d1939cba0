package rehearsal

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Where a run's charts come from.
const (
	// ChartsStandIn are charts of the same shape as the public ones, published
	// with the version.
	ChartsStandIn = "stand-in"
	// ChartsPublic are the real ones: they need the internet.
	ChartsPublic = "public"
)

// Resolver is what net.Resolver does.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// RequireChartHosts refuses public charts on a machine that cannot find their
// hosts: the run would fail only after minutes, inside Helm.
func RequireChartHosts(ctx context.Context, r Resolver, template []byte) error {
	hosts := chartHosts(string(template))
	if len(hosts) == 0 {
		return fmt.Errorf("the template names no public chart repository: --charts public has no meaning for it")
	}
	if r == nil {
		r = net.DefaultResolver
	}
	for _, host := range hosts {
		if _, err := r.LookupHost(ctx, host); err != nil {
			return fmt.Errorf("--charts public needs the internet, and %s cannot be found from here: %w", host, err)
		}
	}
	return nil
}

// chartHosts are the hosts of the OCI and HTTPS repositories that releases of
// the template name.
func chartHosts(template string) []string {
	var hosts []string
	for line := range strings.Lines(template) {
		line = strings.Trim(strings.TrimSpace(line), `-'" `)
		place, ok := strings.CutPrefix(line, "oci://")
		if !ok {
			if place, ok = strings.CutPrefix(line, "https://"); !ok || strings.ContainsAny(place, " ${") || !strings.Contains(place, "chart") {
				continue
			}
		}
		if host, _, _ := strings.Cut(place, "/"); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}
