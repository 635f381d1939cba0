package deployerpolicy

import (
	_ "embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/policy"
)

// Folder is the place of the committed policies in the project.
const Folder = "templates/deployer-policy"

const page = "docs/deployer-policy.md"

//go:embed page.md
var introduction string

// Files are the committed files, by their paths in the project: the policies of
// each mode with no settings, and the page of each permission and its reason.
func Files(templates fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	all := map[string][]granted{}
	for _, mode := range contract.Modes() {
		documents, err := Generate(templates, mode, Settings{})
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", mode, err)
		}
		for _, d := range documents {
			files[Folder+"/"+d.Name+".json"] = d.Text
		}
		// The page has what only some settings allow, too.
		with := Settings{KmsKeyArn: "arn:aws:kms:us-east-1:000000000000:key/yours", KarpenterControllerRole: "yours"}
		if all[mode], err = grantsOf(templates, mode, with); err != nil {
			return nil, fmt.Errorf("mode %s: %w", mode, err)
		}
	}
	text, err := reasons(all)
	if err != nil {
		return nil, err
	}
	files[page] = []byte(text)
	return files, nil
}

// reasons is the page.
func reasons(all map[string][]granted) (string, error) {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("\n## Statements\n\n| statement | what for | on | only if | modes |\n|---|---|---|---|---|\n")
	byMode := map[string]map[string]policy.Statement{}
	for _, mode := range contract.Modes() {
		statements, err := merge(all[mode])
		if err != nil {
			return "", err
		}
		byMode[mode] = map[string]policy.Statement{}
		for _, st := range statements {
			byMode[mode][st.Sid] = st
		}
	}
	for _, p := range purposes {
		var in []string
		var resources []string
		var condition policy.Condition
		for _, mode := range contract.Modes() {
			if st, ok := byMode[mode][p.sid]; ok {
				in = append(in, mode)
				resources, condition = append(resources, st.Resources...), st.Condition
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.sid, p.why, code(covering(resources)), conditions(condition), modeList(in))
	}
	b.WriteString("\n## Permissions\n\n| action | statement | who needs it |\n|---|---|---|\n")
	needs := map[[2]string]map[string]map[string]bool{} // by action and Sid: type, handlers
	for _, mode := range contract.Modes() {
		for _, g := range all[mode] {
			at := [2]string{g.action, g.sid}
			if needs[at] == nil {
				needs[at] = map[string]map[string]bool{}
			}
			if needs[at][g.typ] == nil {
				needs[at][g.typ] = map[string]bool{}
			}
			needs[at][g.typ][g.handler] = true
		}
	}
	keys := slices.SortedFunc(maps.Keys(needs), func(a, b [2]string) int { return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]) })
	for _, at := range keys {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", at[0], at[1], who(needs[at]))
	}
	return b.String(), nil
}

// who names handlers of types for people.
func who(needs map[string]map[string]bool) string {
	var out []string
	for _, typ := range slices.Sorted(maps.Keys(needs)) {
		var handlers []string
		for _, h := range []string{caller, create, read, update, remove} {
			if needs[typ][h] {
				handlers = append(handlers, h)
			}
		}
		out = append(out, strings.TrimPrefix(typ, "AWS::")+" ("+strings.Join(handlers, ", ")+")")
	}
	return strings.Join(out, "; ")
}

func code(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = "`" + v + "`"
	}
	return strings.Join(out, " ")
}

func conditions(c policy.Condition) string {
	var out []string
	for _, operator := range slices.Sorted(maps.Keys(c)) {
		for _, key := range slices.Sorted(maps.Keys(c[operator])) {
			out = append(out, "`"+key+"` is "+code(c[operator][key]))
		}
	}
	return strings.Join(out, "; ")
}

func modeList(in []string) string {
	if len(in) == len(contract.Modes()) {
		return "all"
	}
	return strings.Join(in, ", ")
}
