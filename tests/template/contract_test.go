package template

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// recorder is a handler that keeps the properties it was given.
type recorder[P any] struct{ got *P }

var errNotAsked = errors.New("only Create is asked here")

func (h recorder[P]) Create(_ context.Context, r customresource.Request[P]) (customresource.Response[map[string]string], error) {
	*h.got = r.Props
	return customresource.Response[map[string]string]{PhysicalID: "made"}, nil
}

func (recorder[P]) Update(context.Context, customresource.Request[P]) (customresource.Response[map[string]string], error) {
	return customresource.Response[map[string]string]{}, errNotAsked
}

func (recorder[P]) Delete(context.Context, customresource.Request[P]) error { return errNotAsked }
func (recorder[P]) Owns(string) bool                                        { return true }

// mailbox takes the answers instead of S3.
type mailbox struct{ body []byte }

func (m *mailbox) RoundTrip(r *http.Request) (*http.Response, error) {
	var err error
	m.body, err = io.ReadAll(r.Body)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, err
}

// decode sends the evaluated properties of a custom resource through the
// functions' own protocol code, as CloudFormation would, and returns what the
// handler gets.
func decode[P any](t *testing.T, r *stackRun, id string) P {
	t.Helper()
	resource := section(r.template, "Resources")[id]
	resourceType := at(resource, "Type").(string)
	event, err := json.Marshal(map[string]any{
		"RequestType": "Create", "RequestId": "one", "ResponseURL": "https://answers.example.com/one",
		"StackId": r.pseudo["AWS::StackId"], "ResourceType": resourceType, "LogicalResourceId": id,
		"ResourceProperties": scalarsAsText(r.properties(id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got P
	box := &mailbox{}
	mux := customresource.NewMux(customresource.Options{
		HTTPClient: &http.Client{Transport: box}, Logger: slog.New(slog.DiscardHandler),
	})
	customresource.Register(mux, resourceType, recorder[P]{&got})
	if err := mux.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Status, Reason string }
	if err := json.Unmarshal(box.body, &answer); err != nil {
		t.Fatalf("answer %q: %v", box.body, err)
	}
	if answer.Status != "SUCCESS" {
		t.Fatalf("%s: %s", id, answer.Reason)
	}
	return got
}

// scalarsAsText is what CloudFormation makes of properties on their way.
func scalarsAsText(v any) any {
	switch x := v.(type) {
	case object:
		out := object{}
		for k, e := range x {
			out[k] = scalarsAsText(e)
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			out = append(out, scalarsAsText(e))
		}
		return out
	}
	return fmt.Sprint(v)
}

// decoders are the contract types, by resource type.
var decoders = map[string]func(*testing.T, *stackRun, string) any{
	contract.TypeAWSAuth: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.AWSAuth](t, r, id)
	},
	contract.TypeClusterCheck: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.ClusterCheck](t, r, id)
	},
	contract.TypeClusterFacts: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.ClusterFacts](t, r, id)
	},
	contract.TypeFixedAnswers: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.FixedAnswers](t, r, id)
	},
	contract.TypeHelmRelease: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.HelmRelease](t, r, id)
	},
	contract.TypeNetworkPlan: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.NetworkPlan](t, r, id)
	},
	contract.TypeOidcProvider: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.OidcProvider](t, r, id)
	},
	contract.TypePreflight: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.Preflight](t, r, id)
	},
	contract.TypeWorkspaceOutputs: func(t *testing.T, r *stackRun, id string) any {
		t.Helper()
		return decode[contract.WorkspaceOutputs](t, r, id)
	},
}

func TestEveryCustomResourceFitsItsContract(t *testing.T) {
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		ids := slices.DeleteFunc(resourcesOfType(r.template, "Custom::"), func(id string) bool { return !r.active(section(r.template, "Resources")[id]) })
		if len(ids) == 0 {
			t.Fatal("the template has no custom resources")
		}
		for _, id := range ids {
			resourceType := at(section(r.template, "Resources")[id], "Type").(string)
			decode, known := decoders[resourceType]
			if !known {
				t.Errorf("%s has type %s, which is not in the contract", id, resourceType)
				continue
			}
			decode(t, r, id)
		}
	})
}

// Every GetAtt of a custom resource must be in its answer type.
func TestAttributesOfCustomResourcesAreAnswered(t *testing.T) {
	answers := map[string]any{
		contract.TypeAWSAuth:          contract.AWSAuthData{},
		contract.TypeClusterCheck:     contract.ClusterCheckData{},
		contract.TypeClusterFacts:     contract.ClusterFactsData{},
		contract.TypeFixedAnswers:     contract.FixedAnswersData{},
		contract.TypeHelmRelease:      contract.HelmReleaseData{},
		contract.TypeNetworkPlan:      contract.NetworkPlanData{},
		contract.TypeOidcProvider:     contract.OidcProviderData{},
		contract.TypePreflight:        contract.PreflightData{},
		contract.TypeWorkspaceOutputs: contract.WorkspaceOutputsData{},
	}
	for _, file := range []string{existingFile, clusterFile} {
		t.Run(file, func(t *testing.T) { checkAttributesAreAnswered(t, load(t, file), answers) })
	}
}

func checkAttributesAreAnswered(t *testing.T, template object, answers map[string]any) {
	t.Helper()
	found := 0
	walk(template, func(v any) {
		fn, arg := only(v)
		if fn != "Fn::GetAtt" {
			return
		}
		id, attribute := arg.([]any)[0].(string), arg.([]any)[1].(string)
		resourceType, _ := at(section(template, "Resources")[id], "Type").(string)
		if !strings.HasPrefix(resourceType, "Custom::") {
			return
		}
		found++
		fields, err := contract.Properties(answers[resourceType])
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := fields[attribute]; !ok {
			t.Errorf("%s.%s: %s answers only %v", id, attribute, resourceType, slices.Sorted(maps.Keys(fields)))
		}
	})
	if found == 0 {
		t.Error("no attribute of a custom resource is read")
	}
}

func TestNetworkPlanGetsTheAnswers(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{
		"VpcCidr": "10.9.0.0/18", "ExcludedAvailabilityZones": "us-east-1e, use1-az6", "AdditionalAvailabilityZones": "use1-az4",
	})
	got := decode[contract.NetworkPlan](t, r, "NetworkPlan")
	want := contract.NetworkPlan{
		VpcCidr: "10.9.0.0/18", ExcludedAvailabilityZones: []string{"us-east-1e", "use1-az6"}, AdditionalAvailabilityZones: []string{"use1-az4"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	r = newRun(t, existingFile, map[string]string{
		"PrivateSubnetIds": "subnet-0a, subnet-0b", "HttpsProxy": "http://proxy.example.com:3128", "ImageRegistry": "registry.example.com",
	})
	got = decode[contract.NetworkPlan](t, r, "NetworkPlan")
	want = contract.NetworkPlan{
		VpcID: "vpc-0123456789abcdef0", PrivateSubnetIDs: []string{"subnet-0a", " subnet-0b"}, PublicSubnetIDs: []string{""},
		ExcludedAvailabilityZones: []string{""}, AdditionalAvailabilityZones: []string{""},
		HTTPSProxy: "http://proxy.example.com:3128", ChartSource: "Public", ImageRegistry: "registry.example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
}

func TestReleasesComeFromTheChosenSource(t *testing.T) {
	tests := map[string]struct {
		source string
		want   map[string]string // resource → repository
	}{
		"public charts": {"Public", map[string]string{
			"KarpenterCrds": "oci://public.ecr.aws/karpenter", "Karpenter": "oci://public.ecr.aws/karpenter", "NodePool": "builtin:",
			"LoadBalancerController": "https://aws.github.io/eks-charts", "Workspace": "https://e6data.github.io/helm-charts",
		}},
		"a copy in a bucket": {"s3://charts/mirror", map[string]string{
			"KarpenterCrds": "s3://charts/mirror", "Karpenter": "s3://charts/mirror", "NodePool": "builtin:", "LoadBalancerController": "s3://charts/mirror", "Workspace": "s3://charts/mirror",
		}},
		"a copy in a registry": {"oci://registry.example.com/charts", map[string]string{
			"KarpenterCrds": "oci://registry.example.com/charts", "Karpenter": "oci://registry.example.com/charts", "NodePool": "builtin:",
			"LoadBalancerController": "oci://registry.example.com/charts", "Workspace": "oci://registry.example.com/charts",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, map[string]string{"ChartSource": tt.source})
			got := map[string]string{}
			for _, id := range resourcesOfType(r.template, contract.TypeHelmRelease) {
				release := decode[contract.HelmRelease](t, r, id)
				got[id] = release.Repository
				if release.ClusterName != "e6data-sales" {
					t.Errorf("%s is on cluster %q", id, release.ClusterName)
				}
				if (release.ChartVersion == "") != (release.Repository == "builtin:") {
					t.Errorf("%s: chart version %q from %s", id, release.ChartVersion, release.Repository)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("repositories (-want +got):\n%s", diff)
			}
		})
	}
}
