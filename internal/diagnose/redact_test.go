package diagnose

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// secret is a text that must not be found, as it stands in some place.
type secret struct{ text, planted string }

// letters draws a text that nothing else in an archive has.
func letters(t *rapid.T, alphabet string, shortest, longest int) string {
	return "Zq" + rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), shortest, longest, -1).Draw(t, "secret") + "qZ"
}

const (
	plain  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	base64 = plain + "+/"
	spoken = plain + "-_.!#$*~"
)

// plants are the kinds of secrets, each with the ways in which it stands in
// events, logs and messages.
var plants = map[string]func(t *rapid.T) secret{
	"a named value": func(t *rapid.T) secret {
		s := letters(t, spoken, 6, 30)
		name := rapid.SampledFrom([]string{
			"password", "DB_PASSWORD", "clientSecret", "aws_secret_access_key", "apiToken", "X-Api-Key", "privateKey", "ExternalId", "external_id", "ResponseURL",
			"sts:ExternalId", "credentials", "session-token", "Set-Cookie", "SecretString",
		}).Draw(t, "name")
		format := rapid.SampledFrom([]string{
			`%s=%s`, `%s: %s`, `"%s": "%s"`, `{"%s":"%s"}`, `map[%s:%s other:x]`, `'%s': '%s'`, `--%s=%s`, `error: {"a":{"%s":"%s"}} was refused`,
			`{"msg":"x {\"%s\":\"%s\"} y"}`, `[{"Key":"%s","Value":"%s"}]`, `{"ParameterKey":"%s","ParameterValue":"%s"}`, `https://x.example/cb?%s=%s&b=c`, `%s = "%s"`,
		}).Draw(t, "format")
		if format == `map[%s:%s other:x]` && strings.Contains(name, ":") {
			format = `%s=%s`
		}
		return secret{s, fmt.Sprintf(format, name, s)}
	},
	"a value with quotes in it": func(t *rapid.T) secret {
		s := letters(t, plain, 4, 10)
		text, _ := json.Marshal(map[string]any{"msg": "x", "password": `a"b\` + s, "deep": map[string]string{"token": "\n" + s}})
		return secret{s, string(text)}
	},
	"a value of several words": func(t *rapid.T) secret {
		s := letters(t, plain, 4, 10)
		return secret{s, rapid.SampledFrom([]string{"\n  password: correct horse ", "\nexport API_TOKEN=correct horse ", "Authorization: Basic dXNlcg ", `{"authorization":"Basic `}).Draw(t, "line") + s}
	},
	"a presigned URL": func(t *rapid.T) secret {
		s := letters(t, "0123456789abcdef", 30, 60)
		format := rapid.SampledFrom([]string{
			"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn?AWSAccessKeyId=x&Expires=1&Signature=%s",
			`PUT "https://b.s3.eu-west-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=%s&X-Amz-Security-Token=y": refused`,
			`https://b.s3.amazonaws.com/k?X-Amz-Security-Token=%s\u0026X-Amz-Signature=1`, "X-Amz-Signature=%s", "X-Amz-Security-Token: %s", "x%%2Dy?X-Amz-Signature%%3D%s",
		}).Draw(t, "format")
		return secret{s, fmt.Sprintf(format, s)}
	},
	"a token that shows what it is": func(t *rapid.T) secret {
		s := letters(t, plain, 40, 80)
		return secret{s, rapid.SampledFrom([]string{
			"k8s-aws-v1." + s, "eyJhbGciOi." + s + ".sig", "IQoJb3JpZ2lu" + s, "Bearer " + s, "authorization: bearer " + s, "ghp_" + s,
		}).Draw(t, "token")}
	},
	"an access key": func(t *rapid.T) secret {
		s := rapid.SampledFrom([]string{"AKIA", "ASIA"}).Draw(t, "kind") + rapid.StringOfN(rapid.RuneFrom([]rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")), 16, 16, -1).Draw(t, "key")
		return secret{s, "InvalidClientTokenId: key " + s + " is not known"}
	},
	"a private key": func(t *rapid.T) secret {
		s := letters(t, base64, 40, 60)
		format := rapid.SampledFrom([]string{
			"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n%s\n-----END RSA PRIVATE KEY-----", "tls.key: -----BEGIN PRIVATE KEY----- %s -----END PRIVATE KEY-----",
			`{"tls":"-----BEGIN EC PRIVATE KEY-----\n%s\n-----END EC PRIVATE KEY-----\n"}`, "-----BEGIN PRIVATE KEY-----\n%s",
		}).Draw(t, "format")
		return secret{s, fmt.Sprintf(format, s)}
	},
	"a password in a URL": func(t *rapid.T) secret {
		s := letters(t, spoken+"@:", 6, 20)
		return secret{s, fmt.Sprintf("proxyconnect http://user:%s@proxy.example:3128 refused", s)}
	},
	"a container's environment": func(t *rapid.T) secret {
		s := letters(t, spoken, 6, 20)
		return secret{s, rapid.SampledFrom([]string{
			`{"env":[{"name":"COLOUR","value":"` + s + `"}]}`, `{"Environment":{"Variables":{"COLOUR":"` + s + `"}}}`, `{"env":{"COLOUR":"` + s + `"}}`,
		}).Draw(t, "place")}
	},
	"Helm values": func(t *rapid.T) secret {
		s := letters(t, spoken, 6, 20)
		return secret{s, `{"values":{"colour":{"of":["` + s + `"]}}}`}
	},
	"a Kubernetes Secret": func(t *rapid.T) secret {
		s := letters(t, base64, 6, 20)
		return secret{s, `{"kind":"Secret","metadata":{"name":"x"},"data":{"colour":"` + s + `"}}`}
	},
}

// filled gives facts in which every text is drawn by draw: whatever field a later
// version adds is there too.
func filled(draw func() string) *Facts {
	var f Facts
	fill(reflect.ValueOf(&f).Elem(), draw)
	return &f
}

func fill(v reflect.Value, draw func() string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(draw())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), draw)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), draw)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)))
			return
		}
		for _, field := range v.Fields() {
			fill(field, draw)
		}
	default:
	}
}

// unpacked is every file of an archive, with the names.
func unpacked(t interface {
	Helper()
	Fatal(args ...any)
}, f *Facts, mask bool,
) map[string]string {
	t.Helper()
	files, err := Files(f, mask)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	if err := Write(&packed, "folder", files); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[file.Name] = file.Name + "\n" + string(text)
	}
	return out
}

// Secrets of each kind stand in every text that is read, between other words; no
// file of the archive has one.
func TestNoSecretIsInTheArchive(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(plants))
	rapid.Check(t, func(t *rapid.T) {
		planted := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) secret {
			s := plants[rapid.SampledFrom(kinds).Draw(t, "kind")](t)
			return secret{s.text, rapid.SampledFrom([]string{"", "Received response status [FAILED]. ", "line one\n"}).Draw(t, "before") +
				s.planted + rapid.SampledFrom([]string{"", "\nlast line"}).Draw(t, "after")}
		}), 1, 7).Draw(t, "secrets")
		next := 0
		f := filled(func() string { next++; return planted[next%len(planted)].planted })
		for name, text := range unpacked(t, f, false) {
			for _, s := range planted {
				if strings.Contains(text, s.text) {
					t.Fatalf("%s has %q of %q", name, s.text, s.planted)
				}
			}
		}
	})
}

// A parameter that is secret by its name, and the stack's own ID, which is the
// external ID by default, go wherever they stand.
func TestTheExternalIDIsNowhere(t *testing.T) {
	const own, uuid = "red-Kite.77", "6f1b0b7a-aaaa-bbbb-cccc-0242ac120002"
	id := "arn:aws:cloudformation:eu-west-1:111122223333:stack/demo/" + uuid
	f := filled(func() string { return "trust asks for " + own + " (" + id + ")" })
	f.Stacks[0].ID = id
	f.Stacks[0].Parameters = []Pair{{"ExternalId", own}}
	f.Stacks[0].Outputs = []Pair{{"ConsoleUrl", "https://console.e6data.com/?externalId=" + own}, {"WorkspaceConfig", `{"externalId":"` + own + `"}`}}
	for name, text := range unpacked(t, f, false) {
		if strings.Contains(text, own) || strings.Contains(text, uuid) {
			t.Errorf("%s has the external ID", name)
		}
	}
}

func TestMaskedAccountsStayApart(t *testing.T) {
	f := filled(func() string { return "role arn:aws:iam::111122223333:role/x of 444455556666.dkr.ecr" })
	for name, text := range unpacked(t, f, true) {
		if strings.Contains(text, "111122223333") || strings.Contains(text, "444455556666") {
			t.Errorf("%s has an account's number", name)
		}
		if !strings.Contains(text, "arn:aws:iam::ACCOUNT-1:role/x of ACCOUNT-2.dkr.ecr") && strings.Contains(text, "role/x") {
			t.Errorf("%s does not tell the accounts apart: %s", name, text)
		}
	}
	for name, text := range unpacked(t, f, false) {
		if strings.HasSuffix(name, SummaryName) && !strings.Contains(text, "111122223333") {
			t.Error("the account is masked without having been asked")
		}
	}
}

// What tells the cause must stay: an archive of [redacted] is no use.
func TestWhatTellsTheCauseStays(t *testing.T) {
	for _, text := range []string{
		"User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: eks:CreateCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/c",
		"is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:111122223333:secret",
		`secrets is forbidden: User "x" cannot list resource "secrets" in API group "" in the namespace "e6data"`,
		`MountVolume.SetUp failed for volume "x" : secret "engine-tls" not found`,
		"pod e6data/analytics-1 is in CrashLoopBackOff: container engine ended with code 1, 3 restarts; last log line: \"cannot open s3://bucket/key: AccessDenied\"",
		"Resource handler returned message: \"The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400, Request ID: 5c1d)\" (RequestToken 1)",
		" (full log: CloudWatch log group demo-HelmInstallerLogGroup-1, stream 2026/11/26/[$LATEST]0a1b2c, request 5c1d-77)",
		"https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity: context deadline exceeded",
	} {
		if got := NewRedactor(nil, false).Text(text); got != text {
			t.Errorf("changed:\n  %s\nto\n  %s", text, got)
		}
	}
}

// A log line stays JSON, so that programs can read the archive; and what was
// taken out is not taken out of again.
func TestLinesOfLogsStayJSON(t *testing.T) {
	const line = `{"level":"ERROR","msg":"request failed","logicalId":"Workspace","token":"abcdef","error":"PUT https://b/k?X-Amz-Signature=1 <refused> password=\"x y\"","n":12}`
	r := NewRedactor(nil, false)
	got := r.Text(line)
	if !json.Valid([]byte(got)) || strings.Contains(got, "abcdef") || !strings.Contains(got, "<refused>") {
		t.Errorf("became %s", got)
	}
	if again := r.Text(got); again != got {
		t.Errorf("once more:\n%s\nwas\n%s", again, got)
	}
	if text, ok := errorAbout(got, "Workspace"); !ok || !strings.HasPrefix(text, "request failed: PUT https://b/k?") {
		t.Errorf("the error is %q, %v", text, ok)
	}
}
