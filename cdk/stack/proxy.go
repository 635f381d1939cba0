package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	builtin "github.com/e6data/aws-quickstart/charts"
)

const (
	hasProxy     = "HasHttpsProxy"
	hasNoProxy   = "HasNoProxy"
	hasProxyPort = "HasProxyPort" // the proxy's port is not the one of https
)

// directly are the places that are never asked for through a proxy: the machine
// itself, instance metadata and what EKS answers beside it, names inside the
// cluster, and private addresses, so nodes, pods and Services.
const directly = "localhost,127.0.0.1,169.254.0.0/16,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,.svc,.cluster.local"

func addProxyConditions(s awscdk.Stack) {
	condition(s, hasProxy, not(equals(ref("HttpsProxy"), "")))
	condition(s, hasNoProxy, not(equals(ref("NoProxy"), "")))
}

// addProxyPortCondition is for the security group of the function in the VPC.
func addProxyPortCondition(s awscdk.Stack) {
	condition(s, hasProxyPort, awscdk.Fn_ConditionAnd(not(equals(ref("HttpsProxy"), "")), not(equals(proxyPort(), "443"))))
}

// proxyPort is the port of the proxy's address, http://HOST:PORT; it is 443
// without a proxy.
func proxyPort() *string {
	return pick(2, ":", join("", ref("HttpsProxy"), text("::443")))
}

// noProxy is the value of NO_PROXY. The private endpoint of the cluster is
// behind no proxy, but has a public name.
func noProxy(c Cluster) *string {
	given := eitherText(hasNoProxy, join("", text(","), ref("NoProxy")), text(""))
	return join("", text(directly+","), c.EndpointHost, given)
}

// proxyVariables are the environment variables that Go programs read.
func proxyVariables(c Cluster) map[string]*string {
	return map[string]*string{"HTTPS_PROXY": ref("HttpsProxy"), "NO_PROXY": noProxy(c)}
}

// proxyEnvironment are the same as a container's list of variables, JSON text.
func proxyEnvironment(c Cluster) *string {
	list := document([]any{
		map[string]any{"name": "HTTPS_PROXY", "value": "${HttpsProxy}"},
		map[string]any{"name": "NO_PROXY", "value": "${Direct}"},
	}, map[string]*string{"Direct": noProxy(c)})
	return eitherText(hasProxy, list, text("[]"))
}

// proxyMap are the same as a JSON object.
func proxyMap(c Cluster) *string {
	object := document(map[string]any{"HTTPS_PROXY": "${HttpsProxy}", "NO_PROXY": "${Direct}"}, map[string]*string{"Direct": noProxy(c)})
	return eitherText(hasProxy, object, text("{}"))
}

// proxyUserData is the user data that tells the node group's machines of the
// proxy; EKS puts its own behind it.
func proxyUserData(c Cluster) *string {
	script, err := builtin.FS.ReadFile("nodepool/files/proxy.sh")
	if err != nil {
		panic(err)
	}
	body := strings.NewReplacer("@HTTPS_PROXY@", "${HttpsProxy}", "@NO_PROXY@", "${Direct}").Replace(string(script))
	mime := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"e6data\"\n\n--e6data\n" +
		"Content-Type: text/cloud-boothook; charset=\"us-ascii\"\n\n" + body + "\n--e6data--\n"
	return eitherText(hasProxy, awscdk.Fn_Base64(subWith(mime, map[string]*string{"Direct": noProxy(c)})), noValue())
}
