package diagnose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// redacted stands where something was taken out.
const redacted = "[redacted]"

// Redactor takes secrets out of texts. It knows secrets by how they look, by the
// name that they have, and those that it was told.
type Redactor struct {
	told        []string
	maskAccount bool
	accounts    []string
}

// NewRedactor returns one that also takes out the given texts wherever they
// stand, and with maskAccount the account's number: each account gets one
// stand-in, so that a reader sees which are equal.
func NewRedactor(told []string, maskAccount bool) *Redactor {
	r := &Redactor{maskAccount: maskAccount}
	for _, t := range told {
		if len(t) >= shortestTold && !slices.Contains(r.told, t) {
			r.told = append(r.told, t)
		}
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(r.told, func(a, b string) int { return len(b) - len(a) })
	return r
}

// shortestTold keeps an external ID of two letters, which is none, from taking
// every such pair out of every word. It still goes where it has its name.
const shortestTold = 4

// secretWords are in the names of what is secret, in small letters and without
// - and _.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "credential", "externalid", "responseurl", "authorization", "cookie",
}

// isSecret tells whether what has this name is secret.
func isSecret(name string) bool {
	plain := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(plain, w) })
}

const secretName = `[a-z0-9_.-]*(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|external[_-]?id|response[_-]?url|cookie)[a-z0-9_.-]*` //nolint:gosec // G101: how names of secrets look

var (
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`)
	// A presigned URL lets whoever has it do what its signer may: the whole
	// query goes. CloudFormation's ResponseURL is one.
	presigned  = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://[^\s"'<>?]+)\?[^\s"'<>]*(?:x-amz-|signature=|signature%3d|awsaccesskeyid|security-token)[^\s"'<>]*`)
	signedPart = regexp.MustCompile(`(?i)\bx-amz-[a-z0-9-]+(?:=|%3d|"?\s*:\s*"?)[^\s"'<>&]+`)
	userInfo   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s"'<>]*@`)
	// Tokens and keys that tell what they are: JSON Web Tokens, EKS tokens,
	// access key IDs (IAM User Guide, "Unique identifiers") with temporary ones'
	// session tokens, GitHub's and Slack's.
	shapes = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?|k8s-aws-v1\.[A-Za-z0-9_=-]+|(?:AKIA|ASIA)[A-Z0-9]{12,}|` +
		`(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{30,}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}`)
	bearer        = regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`)
	authorization = regexp.MustCompile(`(?i)((?:proxy-)?authorization\\*["']?\s*[:=]\s*).*`)
	// NAME=VALUE and NAME: VALUE, in quotes or not, where the name has one of
	// secretWords. A value whose quote is escaped goes with the rest of the line.
	named = regexp.MustCompile(`(?i)(` + secretName + `)` +
		`(\\*["']?\s*(?:=|%3d|:)\s*)(\\+["'].*|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s,;&"'}\]]+)`)
	// Where such a name begins a line, as in YAML and in files of environment
	// variables, a value without quotes ends with the line.
	namedLine = regexp.MustCompile(`(?i)^(\s*(?:-\s+)?(?:export\s+)?` + secretName + `\s*(?:=|:\s)\s*)[^\s"'\[].*$`)
	account   = regexp.MustCompile(`\d{12,}`)
)

// Text takes the secrets out of a text. What is JSON in it stays JSON.
func (r *Redactor) Text(s string) string {
	s = r.embedded(privateKey.ReplaceAllString(r.known(s), redacted))
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = r.line(line)
	}
	return strings.Join(lines, "\n")
}

// embedded works on the JSON objects and lists of objects in a text: what is
// secret in these follows from where it stands.
func (r *Redactor) embedded(s string) string {
	var out strings.Builder
	for {
		at := jsonStart.FindStringIndex(s)
		if at == nil {
			return out.String() + s
		}
		out.WriteString(s[:at[0]])
		s = s[at[0]:]
		v, length, ok := decodeJSON(s)
		text, err := marshal(r.value("", v))
		if !ok || err != nil {
			out.WriteString(s[:1])
			s = s[1:]
			continue
		}
		out.Write(text)
		s = s[length:]
	}
}

// jsonStart is where an object, or a list of objects, may begin.
var jsonStart = regexp.MustCompile(`\{\s*"|\[\s*\{`)

// decodeJSON decodes the value with which s begins, and says how long it is.
func decodeJSON(s string) (v any, length int, ok bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, 0, false
	}
	return v, int(d.InputOffset()), true
}

func (r *Redactor) known(s string) string {
	for _, t := range r.told {
		s = strings.ReplaceAll(s, t, redacted)
	}
	return s
}

func (r *Redactor) line(s string) string {
	s = presigned.ReplaceAllString(s, "$1?"+redacted)
	s = signedPart.ReplaceAllString(s, redacted)
	s = userInfo.ReplaceAllString(s, "$1"+redacted+"@")
	s = shapes.ReplaceAllString(s, redacted)
	s = authorization.ReplaceAllString(s, "$1"+redacted)
	s = bearer.ReplaceAllString(s, "$1"+redacted)
	return pairs(namedLine.ReplaceAllString(s, "$1"+redacted))
}

// pairs takes the values out of NAME=VALUE and NAME: VALUE.
func pairs(s string) string {
	return named.ReplaceAllStringFunc(s, func(match string) string {
		part := named.FindStringSubmatch(match)
		switch {
		case strings.HasPrefix(strings.TrimLeft(part[3], `\"'`), redacted[:len(redacted)-1]): // the ] is not taken for a part of a value
			return match
		case strings.EqualFold(part[1], "secretsmanager"): // an action or an ARN of this service, which may be the cause
			return part[1] + part[2] + pairs(part[3])
		}
		return part[1] + part[2] + redacted
	})
}

// Facts are facts without secrets.
func (r *Redactor) Facts(f *Facts) (*Facts, error) {
	plain, err := r.Value(f)
	if err != nil {
		return nil, err
	}
	text, err := marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("marshal the redacted facts: %w", err)
	}
	var out Facts
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("decode the redacted facts: %w", err)
	}
	return &out, nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Value takes the secrets out of anything that marshals to JSON, and gives plain
// maps, lists and texts.
func (r *Redactor) Value(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("marshal %T: %w", v, err)
	}
	plain, _, ok := decodeJSON(string(text))
	if !ok {
		return nil, fmt.Errorf("%T does not decode", v)
	}
	return r.value("", plain), nil
}

// value works on what JSON decodes to. name is the key that it stands under.
func (r *Redactor) value(name string, v any) any {
	switch v := v.(type) {
	case string:
		if isSecret(name) && v != "" {
			return redacted
		}
		return r.Text(v)
	case json.Number:
		if isSecret(name) {
			return redacted
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = r.value(name, v[i])
		}
		return out
	case map[string]any:
		return r.object(name, v)
	}
	return v
}

// object also knows lists of pairs, in which the name is a value itself, the
// environment of containers and functions, and Kubernetes Secrets.
func (r *Redactor) object(name string, m map[string]any) any {
	out := make(map[string]any, len(m))
	for key, v := range m {
		under := key
		switch {
		case isSecret(name):
			under = name
		case key == "Value" || key == "value" || key == "ParameterValue" || key == "OutputValue":
			under = pairName(m, key)
		case m["kind"] == "Secret" && (key == "data" || key == "stringData"), isEnvironment(key, v):
			under = secretWords[0]
		}
		out[r.Text(key)] = r.value(under, v)
	}
	return out
}

// pairName is the name of a pair's value. A value beside a name in small letters
// is a container's environment variable, and secret whatever it is called.
func pairName(m map[string]any, valueKey string) string {
	if _, ok := m["name"].(string); ok && valueKey == "value" {
		return secretWords[0]
	}
	for _, key := range []string{"Key", "key", "Name", "ParameterKey", "OutputKey"} {
		if name, ok := m[key].(string); ok {
			return name
		}
	}
	return valueKey
}

// isEnvironment tells whether this is an object of environment variables.
func isEnvironment(key string, v any) bool {
	_, object := v.(map[string]any)
	return object && (strings.EqualFold(key, "env") || key == "Variables" || key == "Values" || key == "values")
}

// Account masks the numbers of accounts, if it is to: every run of twelve digits,
// since no name in an archive has one that is not an account's.
func (r *Redactor) Account(s string) string {
	if !r.maskAccount {
		return s
	}
	return account.ReplaceAllStringFunc(s, func(number string) string {
		if len(number) != len("123456789012") {
			return number
		}
		if !slices.Contains(r.accounts, number) {
			r.accounts = append(r.accounts, number)
		}
		return fmt.Sprintf("ACCOUNT-%d", slices.Index(r.accounts, number)+1)
	})
}
