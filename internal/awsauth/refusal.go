package awsauth

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Refusal is why a text is left as it is: it cannot be read, or a line of it
// says something else about the role.
type Refusal struct {
	// Line is the line in the text of mapRoles, from 1.
	Line int
	// Text is that line, shortened.
	Text string
	// Problem is what is wrong, Advice what a person can do.
	Problem, Advice string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("mapRoles of ConfigMap kube-system/aws-auth is left as it is: line %d (%s) %s; %s", r.Line, r.Text, r.Problem, r.Advice)
}

const (
	adviceRepair   = "repair it with kubectl -n kube-system edit configmap aws-auth, and try again"
	adviceBrackets = "write [] in its place, and try again"
	adviceList     = "mapRoles must be a list of entries, each with rolearn, username and groups: " + adviceRepair
)

// refuse makes a refusal for a line of text.
func refuse(text string, line int, problem, advice string) *Refusal {
	starts := lineStarts(text)
	line = max(1, min(line, len(starts)))
	shown := strings.TrimRight(lineAt(text, starts, line-1), "\r\n")
	const limit = 80
	if runes := []rune(shown); len(runes) > limit {
		shown = string(runes[:limit]) + "…"
	}
	return &Refusal{Line: line, Text: strconv.Quote(shown), Problem: problem, Advice: advice}
}

// unreadable makes a refusal of a YAML error. Both parsers leave the line out
// if it is the first, count some errors from 0 and others from 1, and differ in
// whether they name the place where the mistake shows or where the broken thing
// began. Hence the comment line put before the text.
func unreadable(text string, err error) *Refusal {
	const shift = "#\n"
	_, early := utilyaml.ToJSON([]byte(shift + text))
	if early != nil && openEnded.MatchString(early.Error()) {
		// A quote or a key that never ends: the other parser says where it begins.
		if e := yaml.Unmarshal([]byte(shift+text), new(yaml.Node)); e != nil {
			early = e
		}
	}
	if early == nil {
		early = err
	}
	line, problem := yamlProblem(early)
	if line == 0 {
		line = lineOf(text, problem) + 1 // as if shifted
	}
	if strings.HasPrefix(problem, "invalid map key") {
		problem = "a template such as {{SessionName}} must stand in quotes"
	}
	return refuse(text, line-1, "is not YAML that the cluster can read: "+problem, adviceRepair)
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced`)
	openEnded  = regexp.MustCompile(`unexpected end of stream|could not find expected ':'`)
)

// yamlProblem gives the line of a YAML error, 0 if it names none, and its text.
func yamlProblem(err error) (line int, problem string) {
	message := strings.TrimSpace(err.Error())
	problem = message
	if found := yamlLine.FindStringSubmatch(message); found != nil {
		problem = message[len(found[0]):]
		line, _ = strconv.Atoi(found[1])
	}
	// The parser counts from 0, the scanner below it from 1.
	if line > 0 && strings.HasPrefix(problem, "did not find expected") && !strings.Contains(problem, "alphabetic or numeric") {
		line++
	}
	return line, problem
}

// lineOf finds the line, from 1, of errors that come without one.
func lineOf(text, problem string) int {
	if found := yamlAnchor.FindStringSubmatch(problem); found != nil {
		if before, _, ok := strings.Cut(text, "*"+found[1]); ok {
			return len(lineStarts(before))
		}
	}
	if at := strings.IndexFunc(text, forbidden); at >= 0 {
		return len(lineStarts(text[:at]))
	}
	var root yaml.Node
	if yaml.Unmarshal([]byte(text), &root) != nil {
		return 1
	}
	return max(1, firstUnfit(&root))
}

// forbidden tells whether YAML cannot have a character at all.
func forbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

// firstUnfit gives the line of the first node that YAML allows and the
// authenticator, which turns everything into JSON, does not.
func firstUnfit(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" && value.Kind == yaml.ScalarNode {
				return key.Line
			}
		}
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!float" && strings.Contains(strings.ToLower(n.Value), "n") {
		return n.Line // .nan or .inf
	}
	for _, child := range n.Content {
		if line := firstUnfit(child); line > 0 {
			return line
		}
	}
	return 0
}
