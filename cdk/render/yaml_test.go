package render

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestYAMLIsReadable(t *testing.T) {
	const template = `{
		"Resources": {"Zed": {"Type": "AWS::S3::Bucket", "DependsOn": ["A", "B"]}, "A": {"Type": "Custom::X", "Properties": {"On": true, "N": 3, "Empty": [], "None": {}}}},
		"Parameters": {"P": {"Type": "String", "Default": "no"}},
		"Description": "what: it is"
	}`
	const want = header + `AWSTemplateFormatVersion: '2010-09-09'
Description: 'what: it is'
Parameters:
  P:
    Type: String
    Default: "no"
Resources:
  Zed:
    Type: AWS::S3::Bucket
    DependsOn:
      - A
      - B
  A:
    Type: Custom::X
    Properties:
      "On": true
      "N": 3
      Empty: []
      None: {}
`
	got, err := YAML([]byte(template))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
}

// CloudFormation reads YAML 1.1, in which these are no texts.
func TestTextStaysTextInYAML11(t *testing.T) {
	for _, s := range []string{
		"yes", "No", "on", "OFF", "y", "n", "true", "False", "null", "~", "", "1", "1.5", "1e3", "0755", "0o17", "0x1f", "1_000", "1:30",
		"12:30:45", "2012-10-17", "2001-12-14t21:59:43.10-05:00", ".5", ".inf", "-.INF", ".NaN", "=", "<<", "- a", "# a", "a # b", "a: b",
		"a:", "*x", "&x", "!x", "@x", "`x", "%x", "[a]", "{a}", "|", ">", " a", "a ", "'a", `"a`, `a\b`, "a\nb", "a\tb", "é", "\u2028", "---", "...",
		"? a", "+1", "-1", "${A}",
	} {
		out, err := YAML([]byte(`{"K":` + quoted(s) + `}`))
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		line := strings.TrimSuffix(strings.TrimPrefix(string(out), header+"AWSTemplateFormatVersion: '2010-09-09'\n"), "\n")
		if !regexp.MustCompile(`^K: (".*"|'.*')$`).MatchString(line) {
			t.Errorf("%q is not quoted: %s", s, line)
		}
	}
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestYAMLRefusesWhatIsNoTemplate(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a list": "[]", "a text": `"a"`, "half an object": `{"a": [1, 2`, "two objects": "{} {}", "no JSON": "{a}",
	} {
		if out, err := YAML([]byte(text)); err == nil {
			t.Errorf("%s became %q", name, out)
		}
	}
}

// Whatever the template holds, a YAML reader gets the same content, and the
// same input gives the same bytes.
func TestYAMLKeepsTheContent(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9:./ #'"{}\[\]&*!|>%@,?~=<-]{0,12}`),
		rapid.SampledFrom([]string{"yes", "0755", "1:30", "2012-10-17", "null", "<<", "="}))
	value := rapid.Deferred(func() *rapid.Generator[any] {
		return rapid.OneOf(
			rapid.Map(text, func(s string) any { return s }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
			rapid.Map(rapid.IntRange(-1_000_000, 1_000_000), func(i int) any { return i }),
		)
	})
	tree := rapid.MapOf(text, rapid.OneOf(value,
		rapid.Map(rapid.SliceOfN(value, 0, 4), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(text, value, 0, 4), func(m map[string]any) any { return m })))
	rapid.Check(t, func(t *rapid.T) {
		template := tree.Draw(t, "template")
		template["AWSTemplateFormatVersion"] = "2010-09-09"
		input, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		out, err := YAML(input)
		if err != nil {
			t.Fatal(err)
		}
		again, err := YAML(input)
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("the same input gave other bytes: %v", err)
		}
		var got map[string]any
		if err := yaml.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		output, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(input), string(output)); diff != "" {
			t.Fatalf("content (-want +got):\n%s\n%s", diff, out)
		}
	})
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::S3::Bucket"}}}`))
	f.Add([]byte(`{"a":{"b":[1,true,null,"yes"]}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		out, err := YAML(input)
		if err != nil {
			return
		}
		var got map[string]any
		if err := yaml.Unmarshal(out, &got); err != nil && json.Valid(input) && !strings.Contains(err.Error(), "already defined") {
			t.Errorf("%q became unreadable YAML: %v\n%s", input, err, out)
		}
	})
}
