package facts

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// finding is why a subnet is not fit for functions and nodes; empty: it is.
// unknown means that this account cannot tell.
type finding struct {
	why     string
	unknown bool
}

// unfit judges one subnet.
func (v *view) unfit(id string) finding {
	if why := v.misplaced(id); why != "" {
		return finding{why: why}
	}
	s := v.subnets[id]
	if aws.ToString(s.CidrBlock) == "" {
		return finding{why: "it has no IPv4 addresses, which functions need"}
	}
	table, ok := v.table(id)
	if !ok {
		return finding{why: v.untold(id), unknown: true}
	}
	return finding{why: v.waysOff(id, wayOf(table))}
}

// waysOff says why a subnet's routes do not do.
func (v *view) waysOff(id string, w way) string {
	if w.public != "" {
		return fmt.Sprintf("it is public: %s. Functions have no public address, and nodes are to have none", w.public)
	}
	if w.out == "" && !v.proxy {
		if why := v.closed(id, w); why != "" {
			return why
		}
	}
	switch {
	case v.private:
		return ""
	case w.out == "":
		// Also with a proxy: the functions ask the Kubernetes API without it.
		return fmt.Sprintf("the Kubernetes API has a public endpoint only, and %s. %s", w.none(), v.makePrivate())
	}
	return v.locked(w)
}

// misplaced says why a subnet is in a place that cannot be used.
func (v *view) misplaced(id string) string {
	s, ok := v.subnets[id]
	if !ok {
		return "it does not exist in this region, or this account may not see it"
	}
	if vpc := aws.ToString(s.VpcId); vpc != v.vpc {
		return fmt.Sprintf("it is in %s, and the cluster in %s", vpc, v.vpc)
	}
	if o := aws.ToString(s.OutpostArn); o != "" {
		return fmt.Sprintf("it is on the Outpost %s, where Lambda runs no functions", o)
	}
	zone := aws.ToString(s.AvailabilityZone)
	z, ok := v.zones[zone]
	switch {
	case !ok:
		return fmt.Sprintf("its zone %s is none that EC2 offers this account", zone)
	case aws.ToString(z.ZoneType) != "availability-zone":
		return fmt.Sprintf("it is in the %s %s, and Lambda runs functions in Availability Zones only", aws.ToString(z.ZoneType), zone)
	}
	return ""
}

// untold says why a subnet's routes cannot be seen.
func (v *view) untold(id string) string {
	owner := aws.ToString(v.subnets[id].OwnerId)
	if owner != "" && owner != v.account {
		return fmt.Sprintf("it is shared by account %s, and its routes cannot be seen from account %s", owner, v.account)
	}
	return "EC2 names no route table of it"
}
