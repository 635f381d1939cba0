package facts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/e6data/aws-quickstart/internal/endpoints"
)

// Given are subnets that a customer gave for a cluster which is to be made, and
// whose Kubernetes API will have a private endpoint.
type Given struct {
	VPC     string
	Subnets []string
	// Account and Region are those of the stack.
	Account, Region string
	// Proxy means that functions and nodes reach AWS and the internet through
	// the customer's proxy.
	Proxy bool
	// PublicCharts and PublicImages mean that charts or images are fetched from
	// the internet.
	PublicCharts, PublicImages bool
}

// Check says, all at once, why functions and nodes in some of the subnets could
// not reach what they need, and what to do. Where routes cannot be seen, in a VPC
// that another account shares, it is the customer's word that they do.
func (g Given) Check(n Network) error {
	v := &view{
		vpc: g.VPC, account: g.Account, region: g.Region, proxy: g.Proxy, private: true, needed: endpoints.Needed(true),
	}
	v.look(n)
	because := map[string][]string{}
	var order, closed []string
	for _, id := range g.Subnets {
		table, seen := v.table(id)
		if !seen {
			continue
		}
		w := wayOf(table)
		switch why := v.waysOff(id, w); {
		case why != "":
			why += ". " + advice(w)
			if because[why] == nil {
				order = append(order, why)
			}
			because[why] = append(because[why], id)
		case w.out == "" && !g.Proxy:
			closed = append(closed, id)
		}
	}
	var problems []string
	for _, why := range order {
		problems = append(problems, fmt.Sprintf("%s of PrivateSubnetIds cannot be used: %s", strings.Join(because[why], ", "), why))
	}
	if len(closed) > 0 {
		problems = append(problems, g.unfetched(strings.Join(closed, ", "))...)
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, ". "))
	}
	return nil
}

// advice is what to do about a subnet with this way out.
func advice(w way) string {
	if w.public != "" {
		return "Give private subnets; public ones go into PublicSubnetIds"
	}
	return fmt.Sprintf("Give %s a default route to a NAT gateway, a transit gateway or a firewall, make the endpoints that are named here, "+
		"give a proxy as HttpsProxy, or give other subnets", w.table)
}

// unfetched says what cannot be fetched from the internet where nothing leads
// out.
func (g Given) unfetched(closed string) (problems []string) {
	if g.PublicCharts {
		problems = append(problems, fmt.Sprintf("nothing leads from %s to the internet, where the charts of ChartSource=Public are: "+
			"copy them to a bucket in %s and give s3://bucket/prefix as ChartSource", closed, g.Region))
	}
	if g.PublicImages {
		problems = append(problems, fmt.Sprintf("nothing leads from %s to the internet, where the public registries of the images are: "+
			"copy them to ECR in %s and give that registry as ImageRegistry", closed, g.Region))
	}
	return problems
}
