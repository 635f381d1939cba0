package answers

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// mostPublicBlocks is a quota of EKS that cannot be raised
// (https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html).
const mostPublicBlocks = 40

// neverPublic are addresses from which nobody comes over the internet: EKS
// refuses blocks that include reserved ones
// (https://docs.aws.amazon.com/eks/latest/userguide/config-cluster-endpoint.html;
// RFC 6890 lists them).
var neverPublic = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3")

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func checkPublicBlocks(_ stack, value string) error {
	var problems []error
	blocks := split(value)
	for _, text := range blocks {
		block, err := netip.ParsePrefix(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("EndpointPublicAccessCidrs has %s, which is no block: enter blocks such as 198.51.100.0/24", text))
			continue
		}
		if slices.ContainsFunc(neverPublic, block.Overlaps) {
			problems = append(problems, fmt.Errorf("EndpointPublicAccessCidrs has %s, with private or reserved addresses, from which nobody comes over the internet: "+
				"enter the public addresses of your network (from the VPC the cluster's private endpoint answers in any case), or leave it empty", text))
		}
	}
	if len(blocks) > mostPublicBlocks {
		problems = append(problems, fmt.Errorf("EndpointPublicAccessCidrs has %d blocks, and EKS takes %d: join neighbouring blocks to larger ones", len(blocks), mostPublicBlocks))
	}
	return errors.Join(problems...)
}

// checkProxy refuses a proxy on the machine itself: each function and each node
// would look for it on its own.
func checkProxy(_ stack, value string) error {
	place, err := url.Parse(value)
	if err != nil {
		return fmt.Errorf("HttpsProxy: %w: enter an address such as http://proxy.example.com:3128", err)
	}
	host := place.Hostname()
	address, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !address.IsLoopback() && !address.IsLinkLocalUnicast() && !address.IsUnspecified()) {
		return nil //nolint:nilerr // a name is no address, and as good
	}
	return fmt.Errorf("HttpsProxy %s is at %s, which every function and every node takes for itself: enter the address of a proxy that they reach over the network", value, host)
}
