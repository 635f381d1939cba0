package loadbalancer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// The controller's own patterns: what a name may not have is left out, and a
// hash makes it unique. All are at most 32 characters long, which is what
// Elastic Load Balancing takes.

var notAlphanumeric = regexp.MustCompile("[[:^alnum:]]")

func plain(text string) string { return notAlphanumeric.ReplaceAllString(text, "") }

func hash(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write([]byte(part))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// objectName names what is made for an object of a namespace.
func objectName(namespace, name, unique string) string {
	return fmt.Sprintf("k8s-%.8s-%.8s-%.10s", plain(namespace), plain(name), unique)
}

// stackName names what is made for an Ingress or for a group of them, which has no namespace.
func stackName(namespace, name, unique string) string {
	if namespace == "" {
		return fmt.Sprintf("k8s-%.17s-%.10s", plain(name), unique)
	}
	return objectName(namespace, name, unique)
}

// backendGroupName names the security group that all load balancers of a cluster share.
func backendGroupName(cluster string) string {
	return fmt.Sprintf("k8s-traffic-%.232s-%.10s", plain(cluster), hash(cluster))
}
