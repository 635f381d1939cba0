package lifecycle_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

const (
	adminRole = "arn:aws:iam::111122223333:role/platform-admin"
	// adminKey is the access key of sessions of that role.
	adminKey = "ASIAPLATFORMADMIN"
)

// accessEKS plays the cluster demo with its access entries, and STS.
type accessEKS struct {
	mux *http.ServeMux
	sts *amazon

	mu       sync.Mutex
	gone     bool
	mode     string
	entries  map[string]map[string]any // by principal, as EKS shows them
	policies map[string][]string       // by principal
	changes  []string                  // calls that change something
}

// newAccessEKS plays a cluster whose Kubernetes API a door guards; nil: nobody
// may ask that.
func newAccessEKS(t *testing.T, mode string, door *eksDoor) *accessEKS {
	t.Helper()
	if door == nil {
		door = &eksDoor{}
		t.Cleanup(func() {
			if door.seen.Load() > 0 {
				t.Error("the cluster's own API was asked")
			}
		})
	}
	api := httptest.NewTLSServer(door)
	t.Cleanup(api.Close)
	e := &accessEKS{
		mux: http.NewServeMux(), mode: mode, entries: map[string]map[string]any{}, policies: map[string][]string{},
		sts: &amazon{endpoint: api.URL, ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})},
	}
	const entry = "/clusters/demo/access-entries/{arn}"
	for pattern, answer := range map[string]func(r *http.Request, arn string, body map[string]any) any{
		"GET /clusters/demo":                 e.describeCluster,
		"POST /clusters/demo/update-config":  e.updateConfig,
		"GET /clusters/demo/updates/{id}":    e.describeUpdate,
		"POST /clusters/demo/access-entries": e.create,
		"GET " + entry:                       e.describe,
		"DELETE " + entry:                    e.remove,
		"GET " + entry + "/access-policies":  e.listPolicies,
		"POST " + entry + "/access-policies": e.associate,
	} {
		e.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.answer(w, r, answer) })
	}
	e.mux.HandleFunc("/", e.askSTS)
	return e
}

func (e *accessEKS) start(t *testing.T, path string) *lifecycle.Function {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return lifecycle.Start(t, lifecycle.Options{Binary: path, Env: []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_MAX_ATTEMPTS=1"}})
}

// ServeHTTP implements http.Handler.
func (e *accessEKS) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// fault is an error of EKS.
type fault struct {
	status     int
	kind, text string
}

func (e *accessEKS) answer(w http.ResponseWriter, r *http.Request, do func(*http.Request, string, map[string]any) any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&body) // a GET has none
	var out any = fault{http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: demo."}
	switch {
	case e.gone:
	case strings.Contains(r.URL.Path, "/access-entries") && e.mode == "CONFIG_MAP":
		out = fault{http.StatusBadRequest, "InvalidRequestException", "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."}
	default:
		arn := r.PathValue("arn")
		if arn != "" && e.entries[arn] == nil {
			out = fault{http.StatusNotFound, "ResourceNotFoundException", "The specified principalArn could not be found."}
			break
		}
		out = do(r, arn, body)
	}
	w.Header().Set("Content-Type", "application/json")
	if f, failed := out.(fault); failed {
		w.Header().Set("X-Amzn-Errortype", f.kind)
		w.WriteHeader(f.status)
		out = map[string]any{"message": f.text}
	} else if r.Method != http.MethodGet {
		e.changes = append(e.changes, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/clusters/demo/"))
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (e *accessEKS) describeCluster(*http.Request, string, map[string]any) any {
	return map[string]any{"cluster": map[string]any{
		"name": "demo", "status": "ACTIVE", "endpoint": e.sts.endpoint,
		"certificateAuthority": map[string]any{"data": base64.StdEncoding.EncodeToString(e.sts.ca)},
		"accessConfig":         map[string]any{"authenticationMode": e.mode},
	}}
}

func (e *accessEKS) updateConfig(_ *http.Request, _ string, body map[string]any) any {
	e.mode = fmt.Sprint(body["accessConfig"].(map[string]any)["authenticationMode"])
	return map[string]any{"update": map[string]any{"id": "1", "status": "InProgress"}}
}

func (*accessEKS) describeUpdate(*http.Request, string, map[string]any) any {
	return map[string]any{"update": map[string]any{"id": "1", "status": "Successful"}}
}

func (e *accessEKS) create(_ *http.Request, _ string, body map[string]any) any {
	arn := fmt.Sprint(body["principalArn"])
	if e.entries[arn] != nil {
		return fault{http.StatusConflict, "ResourceInUseException", "The specified access entry resource is already in use on this cluster."}
	}
	delete(body, "clientRequestToken")
	switch {
	case body["type"] == "EC2_LINUX":
		body["username"] = "system:node:{{EC2PrivateDNSName}}"
	case body["username"] == nil:
		body["username"] = "arn:aws:sts::111122223333:assumed-role/x/{{SessionName}}"
	}
	e.entries[arn] = body
	return map[string]any{"accessEntry": body}
}

func (e *accessEKS) describe(_ *http.Request, arn string, _ map[string]any) any {
	return map[string]any{"accessEntry": e.entries[arn]}
}

func (e *accessEKS) remove(_ *http.Request, arn string, _ map[string]any) any {
	delete(e.entries, arn)
	delete(e.policies, arn)
	return map[string]any{}
}

func (e *accessEKS) associate(_ *http.Request, arn string, body map[string]any) any {
	e.policies[arn] = append(e.policies[arn], fmt.Sprint(body["policyArn"]))
	return map[string]any{}
}

func (e *accessEKS) listPolicies(_ *http.Request, arn string, _ map[string]any) any {
	list := []any{}
	for _, p := range e.policies[arn] {
		list = append(list, map[string]any{"policyArn": p, "accessScope": map[string]any{"type": "cluster"}})
	}
	return map[string]any{"clusterName": "demo", "principalArn": arn, "associatedAccessPolicies": list}
}

// askSTS lets nobody but adminRole be assumed.
func (e *accessEKS) askSTS(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("Action") != "AssumeRole" {
		e.sts.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	if role := r.FormValue("RoleArn"); role != adminRole {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: installer is not authorized to perform: sts:AssumeRole on resource: %s</Message></Error></ErrorResponse>`, role)
		return
	}
	_, _ = io.WriteString(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>`+adminKey+`</AccessKeyId><SecretAccessKey>admins-secret</SecretAccessKey><SessionToken>admins-token</SessionToken>`+
		`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
}

// shown are the entries' principals with type, username and policies, and the
// calls that changed something since the last look.
func (e *accessEKS) shown() (entries, changes []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(e.entries)) {
		text := fmt.Sprintf("%s %s %s", arn, e.entries[arn]["type"], e.entries[arn]["username"])
		for _, p := range e.policies[arn] {
			text += " " + p[strings.LastIndex(p, "/")+1:]
		}
		entries = append(entries, text)
	}
	changes, e.changes = e.changes, nil
	return entries, changes
}
