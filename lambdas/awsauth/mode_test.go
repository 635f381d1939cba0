package main

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/kube"
)

// locked are doors that let nobody in.
func locked() *fakeDoors {
	return &fakeDoors{
		role:   account + "role/e6data-ws-installer-us-east-1",
		closed: map[string]error{own: errors.New("cluster demo does not know it"), admins: errors.New("it cannot be assumed")},
	}
}

func allowed(p contract.AWSAuth) contract.AWSAuth {
	p.AllowAuthModeChange = true
	return p
}

func TestAuthModeChange(t *testing.T) {
	const change = "UpdateClusterConfig API_AND_CONFIG_MAP"
	entry := []string{"CreateAccessEntry e6data-ws-installer-us-east-1", "AssociateAccessPolicy e6data-ws-installer-us-east-1"}
	cases := map[string]struct {
		there func(*fakeEKS)
		say   []string
		calls []string
	}{
		"at once":              {calls: append([]string{change}, entry...)},
		"after some looks":     {there: func(f *fakeEKS) { f.later = 4 }, calls: append([]string{change}, entry...)},
		"of an old cluster":    {there: func(f *fakeEKS) { f.mode = "" }, calls: append([]string{change}, entry...)},
		"after another update": {there: func(f *fakeEKS) { f.faults["UpdateClusterConfig"] = []error{&types.ResourceInUseException{}} }, calls: append([]string{change, change}, entry...)},
		"by somebody else meanwhile": {
			there: func(f *fakeEKS) {
				f.faults["UpdateClusterConfig"] = []error{&types.InvalidParameterException{Message: aws.String("Unsupported authentication mode update")}}
				f.status, f.later = types.ClusterStatusUpdating, 2
			},
			calls: append([]string{change}, entry...),
		},
		"that EKS refuses": {
			there: func(f *fakeEKS) {
				f.faults["UpdateClusterConfig"] = []error{&types.InvalidParameterException{Message: aws.String("platform version too old")}}
			},
			calls: []string{change}, say: []string{"change the authentication mode of cluster demo from CONFIG_MAP to API_AND_CONFIG_MAP", "platform version too old"},
		},
		"that is denied": {
			there: func(f *fakeEKS) { f.faults["UpdateClusterConfig"] = []error{denied("eks:UpdateClusterConfig")} },
			calls: []string{change}, say: []string{"not authorized to perform: eks:UpdateClusterConfig"},
		},
		"that fails": {
			there: func(f *fakeEKS) { f.broken = "no capacity" },
			calls: []string{change}, say: []string{"update update-1 ended as Failed; Unknown: no capacity"},
		},
		"that takes too long": {
			there: func(f *fakeEKS) { f.later = 100 },
			calls: []string{change}, say: []string{"EKS is still at work on it", "aws eks describe-cluster --name demo --region us-east-1 --query cluster.status"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := newEKS(types.AuthenticationModeConfigMap)
			if tc.there != nil {
				tc.there(f)
			}
			answer, err := newHandler(f, locked()).Create(t.Context(), asked(allowed(administrator(installer))))
			if (err != nil) != (len(tc.say) > 0) {
				t.Fatal(err)
			}
			lacks(t, err, tc.say...)
			if name != "by somebody else meanwhile" {
				if diff := cmp.Diff(tc.calls, f.calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			}
			if err != nil {
				if answer.PhysicalID != "" {
					t.Errorf("no entry was made, and the ID is %s", answer.PhysicalID)
				}
				return
			}
			if answer.Data.Method != contract.MethodAccessEntry || len(f.entries) != 1 || f.mode != types.AuthenticationModeApiAndConfigMap {
				t.Errorf("%v, mode %s, entries %v", answer, f.mode, f.shown())
			}
		})
	}
}

// A mode is changed only if the answer allows it and nothing else helps.
func TestModeStaysWhereItIsNotNeeded(t *testing.T) {
	f := newEKS(types.AuthenticationModeConfigMap)
	_, err := newHandler(f, locked()).Create(t.Context(), asked(administrator(installer)))
	if err == nil || len(f.calls) > 0 {
		t.Errorf("%v, calls %v", err, f.calls)
	}
	unreached := &fakeDoors{failed: errors.New("the API server cannot be reached")}
	answer, err := newHandler(f, unreached).Create(t.Context(), asked(allowed(administrator(installer))))
	lacks(t, err, "cannot be reached")
	if len(f.calls) > 0 || answer.PhysicalID != "" {
		t.Errorf("calls %v, answer %v", f.calls, answer)
	}
}

func TestNoCluster(t *testing.T) {
	for _, there := range []func(*fakeEKS){func(f *fakeEKS) { f.none = true }, func(f *fakeEKS) { f.status = types.ClusterStatusDeleting }} {
		f := newEKS(types.AuthenticationModeConfigMap)
		there(f)
		h := newHandler(f, locked())
		answer, err := h.Create(t.Context(), asked(node(nodes)))
		if !errors.Is(err, kube.ErrNoCluster) || answer.PhysicalID != "" {
			t.Errorf("%v, %v", answer, err)
		}
		for _, method := range []string{contract.MethodAccessEntry, contract.MethodConfigMap, methodEither} {
			if err := h.Delete(t.Context(), asked(node(nodes), "awsauth/demo/"+nodes+"/"+method)); err != nil {
				t.Errorf("delete of %s: %v", method, err)
			}
		}
	}
}

func TestDeleteOfUnreadableIDs(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	f.have(ours("Way"))
	for _, id := range []string{"awsauth/", "awsauth/demo/" + control, "awsauth/demo/" + control + "/Telepathy"} {
		if err := newHandler(f, locked()).Delete(t.Context(), asked(contract.AWSAuth{}, id)); err != nil || len(f.calls) > 0 {
			t.Errorf("%s: %v, calls %v", id, err, f.calls)
		}
	}
}

// An entry in aws-auth that nobody can take out any more is a failure only if
// it still lets somebody in.
func TestDeleteWithoutAccess(t *testing.T) {
	cases := map[string]struct {
		mode   types.AuthenticationMode
		id     string
		change func(*fakeDoors)
		say    []string
	}{
		"somebody else's entry": {
			mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + control + "/ConfigMap",
			say: []string{
				"take arn:aws:iam::111122223333:role/ws-CrossAccountRole out of aws-auth of cluster demo", "this function's role: cluster demo does not know it",
				"eksctl delete iamidentitymapping --cluster demo --region us-east-1 --arn arn:aws:iam::111122223333:role/ws-CrossAccountRole",
			},
		},
		"the same, after a mode change":    {mode: types.AuthenticationModeApiAndConfigMap, id: "awsauth/demo/" + control + "/ConfigMap", say: []string{"out of aws-auth"}},
		"a map that is not read any more":  {mode: types.AuthenticationModeApi, id: "awsauth/demo/" + control + "/ConfigMap"},
		"the function's own, gone already": {mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + installer + "/ConfigMap"},
		"never known how":                  {mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + control + "/Either"},
		"an access entry":                  {mode: types.AuthenticationModeApiAndConfigMap, id: "awsauth/demo/" + control + "/AccessEntry"},
		"an IAM user":                      {mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + account + "user/u/Either"},
		"a cluster out of reach": {
			mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + control + "/ConfigMap",
			change: func(d *fakeDoors) { d.failed = errors.New("no route") }, say: []string{"no route"},
		},
		"a cluster that is deleted meanwhile": {
			mode: types.AuthenticationModeConfigMap, id: "awsauth/demo/" + control + "/ConfigMap", change: func(d *fakeDoors) { d.failed = kube.ErrNoCluster },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			doors := locked()
			if tc.change != nil {
				tc.change(doors)
			}
			err := newHandler(newEKS(tc.mode), doors).Delete(t.Context(), asked(contract.AWSAuth{}, tc.id))
			if (err != nil) != (len(tc.say) > 0) {
				t.Fatal(err)
			}
			lacks(t, err, tc.say...)
		})
	}
}

func TestIdentify(t *testing.T) {
	h := newHandler(newEKS(types.AuthenticationModeApi), locked())
	for was, want := range map[string]string{
		"":                                       "awsauth/demo/" + control + "/Either",
		"awsauth/demo/" + control + "/ConfigMap": "awsauth/demo/" + control + "/ConfigMap",
		"awsauth/demo/" + nodes + "/ConfigMap":   "awsauth/demo/" + control + "/Either",
		"awsauth/other/" + control + "/ConfigMap": "awsauth/demo/" + control + "/Either",
	} {
		if got := h.Identify(asked(user(control, "u"), was)); got != want {
			t.Errorf("from %q comes %q, want %q", was, got, want)
		}
	}
	if got := h.Identify(asked(user("x", "u"))); got != "" {
		t.Errorf("refused properties have the ID %q", got)
	}
}
