package bundle

import (
	"bytes"
	"fmt"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/endpoints"
)

// endpointList is endpoints.txt.
func endpointList() []byte {
	var out bytes.Buffer
	out.WriteString(`# VPC endpoints that a VPC without a way out needs, by mode: com.amazonaws.REGION.SERVICE, with private DNS names and a
# security group that lets the VPC in on TCP port 443.
`)
	when := map[endpoints.Use]string{
		endpoints.Always: "always", endpoints.Controllers: "with our controllers", endpoints.Queries: "for queries",
	}
	for _, mode := range contract.Modes() {
		rows := endpoints.Of(mode)
		if len(rows) == 0 {
			fmt.Fprintf(&out, "%s\tnone: the stack makes the VPC, with a way out\n", mode)
		}
		for _, e := range rows {
			kind := "interface"
			if e.Service == endpoints.S3 {
				kind = "gateway or interface"
			}
			fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s\n", mode, e.Service, kind, when[e.Use], e.For)
		}
	}
	return out.Bytes()
}
