package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
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
func RequireChartHosts(ctx context.Context, r Resolver, t *Template) error {
	hosts := chartHosts(t)
	if len(hosts) == 0 {
		return errors.New("the template names no public chart repository: --charts public has no meaning for it")
	}
	for _, host := range hosts {
		if _, err := r.LookupHost(ctx, host); err != nil {
			return fmt.Errorf("--charts public needs the internet, and %s cannot be found from here: %w", host, err)
		}
	}
	return nil
}

// chartHosts are the hosts of the repositories that the releases name.
func chartHosts(t *Template) []string {
	hosts := map[string]bool{}
	for _, r := range t.Resources {
		if r.Type != "Custom::HelmRelease" {
			continue
		}
		for _, text := range texts(r.Properties["Repository"]) {
			if u, err := url.Parse(text); err == nil && (u.Scheme == "oci" || u.Scheme == "https") && u.Host != "" {
				hosts[u.Host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

// texts are all strings below v.
func texts(v any) (found []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			found = append(found, texts(e)...)
		}
	case map[string]any:
		for _, e := range v {
			found = append(found, texts(e)...)
		}
	}
	return found
}
