package loadbalancer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	ingressPrefix = "alb.ingress.kubernetes.io/"
	servicePrefix = "service.beta.kubernetes.io/aws-load-balancer-"
)

// ingressAnnotations and serviceAnnotations are those that the stand-in plays.
// Any other one is refused: ignoring it would say "right" of what was not tried.
var (
	ingressAnnotations = []string{
		"backend-protocol", "backend-protocol-version", "certificate-arn", "group.name", "group.order",
		"healthcheck-interval-seconds", "healthcheck-path", "healthcheck-port", "healthcheck-protocol",
		"healthcheck-timeout-seconds", "healthy-threshold-count", "inbound-cidrs", "ip-address-type", "listen-ports",
		"load-balancer-attributes", "load-balancer-name", "manage-backend-security-group-rules", "scheme",
		"security-groups", "ssl-policy", "ssl-redirect", "subnets", "success-codes", "tags", "target-group-attributes",
		"target-type", "unhealthy-threshold-count",
	}
	serviceAnnotations = []string{
		"additional-resource-tags", "attributes", "backend-protocol", "healthcheck-healthy-threshold",
		"healthcheck-interval", "healthcheck-path", "healthcheck-port", "healthcheck-protocol",
		"healthcheck-success-codes", "healthcheck-timeout", "healthcheck-unhealthy-threshold", "internal",
		"ip-address-type", "manage-backend-security-group-rules", "name", "nlb-target-type", "proxy-protocol", "scheme",
		"security-groups", "source-ranges", "ssl-cert", "ssl-negotiation-policy", "ssl-ports", "subnets",
		"target-group-attributes", "type",
	}
)

// annotations are an object's, without the prefix that they were read with.
type annotations map[string]string

func annotationsOf(all map[string]string, prefix string, played []string) (annotations, error) {
	own := annotations{}
	for key, value := range all {
		name, found := strings.CutPrefix(key, prefix)
		if !found {
			continue
		}
		if !slices.Contains(played, name) && !strings.HasPrefix(name, "actions.") {
			return nil, fmt.Errorf("annotation %s is not played by this stand-in for the AWS Load Balancer Controller", key)
		}
		own[name] = value
	}
	return own, nil
}

// with gives these annotations with others laid over them.
func (a annotations) with(others annotations) annotations {
	merged := annotations{}
	for _, from := range []annotations{a, others} {
		maps.Copy(merged, from)
	}
	return merged
}

func (a annotations) text(name, otherwise string) string {
	if value, found := a[name]; found {
		return value
	}
	return otherwise
}

func (a annotations) list(name string) []string {
	var items []string
	for item := range strings.SplitSeq(a[name], ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func (a annotations) pairs(name string) (map[string]string, error) {
	pairs := map[string]string{}
	for _, item := range a.list(name) {
		key, value, found := strings.Cut(item, "=")
		if !found || strings.TrimSpace(key) == "" {
			return nil, fmt.Errorf("failed to parse stringMap annotation, %s: %s", name, a[name])
		}
		pairs[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return pairs, nil
}

func (a annotations) number(name string, otherwise int32) (int32, error) {
	value, found := a[name]
	if !found {
		return otherwise, nil
	}
	number, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("failed to parse int32 annotation, %s: %s: %w", name, value, err)
	}
	return int32(number), nil
}

func (a annotations) truth(name string, otherwise bool) (bool, error) {
	value, found := a[name]
	if !found {
		return otherwise, nil
	}
	truth, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("failed to parse bool annotation, %s: %s: %w", name, value, err)
	}
	return truth, nil
}
