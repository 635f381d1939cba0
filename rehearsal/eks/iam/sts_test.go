package iam

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlySTSIsReached(t *testing.T) {
	var host, query, header string
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, query, header = r.Host, r.URL.RawQuery, r.Header.Get("X-K8s-Aws-Id")
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:a</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	defer aws.Close()
	e, err := NewEndpoint(aws.URL, "", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	transport := stsTransport{&http.Transport{DialContext: e.dial, DialTLSContext: e.dial}}

	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Signature=s", http.NoBody)
	r.Header.Set("X-K8s-Aws-Id", "c")
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"1","Arn":"arn:a","UserId":"u"}}}`; string(b) != want {
		t.Errorf("answer %s, want %s", b, want)
	}
	if host != "sts.eu-west-1.amazonaws.com" || query != "Action=GetCallerIdentity&X-Amz-Signature=s" || header != "c" {
		t.Errorf("the request was changed: host %q, query %q, x-k8s-aws-id %q", host, query, header)
	}

	host = ""
	for _, url := range []string{"https://example.com/", "https://sts.amazonaws.com.example.com/", "https://s3.amazonaws.com/"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		resp, err := transport.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil || host != "" {
			t.Errorf("%s is reached", url)
		}
	}
}

func TestIsSTS(t *testing.T) {
	for host, want := range map[string]bool{
		"sts.amazonaws.com": true, "sts.us-east-1.amazonaws.com": true, "sts.cn-north-1.amazonaws.com.cn": true,
		"amazonaws.com": false, "sts.example.com": false, "xsts.amazonaws.com": false,
	} {
		if got := isSTS(host); got != want {
			t.Errorf("isSTS(%q) = %v", host, got)
		}
	}
}

func TestIdentityJSON(t *testing.T) {
	for name, tt := range map[string]struct{ in, want, err string }{
		"JSON stays":          {`{"a":1}`, `{"a":1}`, ""},
		"XML without an ARN":  {"<GetCallerIdentityResponse/>", "", "it names no caller"},
		"XML that is cut off": {"<GetCallerIdentityResponse>", "", "read the answer of STS"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := identityJSON([]byte(tt.in))
			if tt.err == "" && (err != nil || string(got) != tt.want) {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q in it", err, tt.err)
			}
		})
	}
}

func TestNewEndpointRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ address, ca, want string }{
		"an address without a port":  {"https://aws", "", "want http://HOST:PORT"},
		"another scheme":             {"ftp://aws:1", "", "want http://HOST:PORT"},
		"no URL":                     {"://", "", "AWS endpoint"},
		"a CA that is not there":     {"https://aws:1", "/nowhere.pem", "/nowhere.pem"},
		"a CA without a certificate": {"https://aws:1", empty, "no PEM certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewEndpoint(tt.address, tt.ca, "r"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"} {
		if got := partition(region); got != want {
			t.Errorf("partition(%q) = %q, want %q", region, got, want)
		}
	}
}
