package awsauth

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// hand writes maps as many hands do: comments, quotes, unknown keys, line ends,
// indentation, keys in any order. What it writes is nearly always valid.
type hand struct{ *rapid.T }

func (h hand) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(h.T, label)
}

// seldom is true once in so many times.
func (h hand) seldom(label string, times int) bool {
	return rapid.IntRange(1, times).Draw(h.T, label) == times
}

func (h hand) text() string {
	n := rapid.IntRange(0, 6).Draw(h.T, "entries")
	text := h.pick("before", "", "", "", "---\n", "# roles\n\n", "%YAML 1.1\n--- # top\n", "\ufeff", "---\n# - rolearn: old\n")
	switch {
	case n == 0:
		text += h.pick("no list", "", "", "[]\n", "[ ] # none\n", "[ # none\n]\n", "null\n", "~\n", "\"\"\n", "''\n")
	case h.seldom("brackets", 4):
		text += h.flowList(n)
	default:
		text += h.blockList(n)
	}
	text += h.pick("after", "", "", "\n", "  \n\n", "# the end\n", "  # the end\n", "# no break", "  ", "...\n", "---\n- rolearn: never-read\n", "...\n# a\n---\n")
	if rapid.Bool().Draw(h.T, "without the last break") {
		text = strings.TrimSuffix(text, "\n")
	}
	return strings.ReplaceAll(text, "\n", h.pick("line end", "\n", "\n", "\r\n", "\r"))
}

func (h hand) arn(i int) string {
	return fmt.Sprintf(h.pick("ARN", "arn:aws:iam::012345678901:role/r%d", "arn:aws-cn:iam::012345678901:role/r%d", "arn:aws:iam::012345678901:role/path/e6data-installer%d"), i)
}

func (h hand) blockList(n int) string {
	var out strings.Builder
	dash := strings.Repeat(" ", rapid.IntRange(0, 4).Draw(h.T, "indentation"))
	gap := strings.Repeat(" ", rapid.IntRange(1, 4).Draw(h.T, "blanks after a dash"))
	for i := range n {
		out.WriteString(h.pick("above", "", "", "", "# above\n", dash+"# above\n\n", "        # far out\n", "\n"))
		keys := dash + " " + gap
		if h.seldom("an entry of one line", 6) {
			out.WriteString(dash + "-" + gap + h.flowMap(i) + h.pick("beside", "", " # beside") + "\n")
			continue
		}
		lead := dash + "-" + gap
		if h.seldom("a dash alone", 6) {
			lead = dash + "-" + h.pick("beside the dash", "", " ", " # alone\n#", " &a"+fmt.Sprint(i)) + "\n" + keys
		}
		lines := h.keys(i, keys)
		out.WriteString(lead + strings.Join(lines, "\n"+keys) + "\n")
	}
	return out.String()
}

// keys are an entry's lines; further lines of a value begin with indent.
func (h hand) keys(i int, indent string) []string {
	arn, in := h.arn(i), "\n"+indent
	lines := rapid.Permutation([]string{
		h.pick("ARN's key", "rolearn", "rolearn", "roleARN", `"rolearn"`, "RoLeArN") + ": " +
			h.pick("ARN's quotes", arn, `"`+arn+`"`, "'"+arn+"'", arn+" # nodes", arn+"   ", ">-"+in+"  "+arn),
		h.pick("user's key", "username", "username", "userName", "'username'") + ": " +
			h.pick("user", "n", `"{{SessionName}}"`, "'system:node:{{EC2PrivateDNSName}}'", "system:node:{{EC2PrivateDNSName}}", "012345678901", `"012345678901"`,
				"|"+in+"  a\n"+in+"  b", "'it''s\n"+in+"  two'", "管理者 # 節點", "e6data-analytics", "&u"+fmt.Sprint(i)+" x"),
		h.pick("groups", "groups: []", `groups: [system:masters, 'a b', "#c"]`, "groups:"+in+"- system:nodes"+in+`- "system:bootstrappers" # two`,
			"groups:"+in+"      # one"+in+"      - system:nodes", "groups: # none", "groups: system:masters", "groups:"+in+"  - a\n\n"+in+"  - b"),
	}).Draw(h.T, "order of keys")
	return append(lines, h.pick("more", "userid: '0987'", "x-owner: {team: [a, {b: c}]}", "sso: {permissionSetName: A, accountID: '012345678901'}",
		"? odd"+in+": key", "# inside", "text: |+"+in+"  kept\n", "last:", "last: \"\\\n"+indent+"  x\""))
}

func (h hand) flowList(n int) string {
	separator := h.pick("separator", ",", ", ", " ,\n  ", ",\n", ", # next, {or} not\n    ", ",\n\t")
	var all []string
	for i := range n {
		all = append(all, h.flowMap(i))
	}
	return h.pick("open", "[", "[ ", "[\n  ", "[ # all\n", "[\n\t") + strings.Join(all, separator) + h.pick("close", "]", " ]", ",]", " , ]", "\n]", "\n# last\n]", " # last }\n]") + h.pick("beside the list", "", " ", " # beside") + "\n"
}

func (h hand) flowMap(i int) string {
	arn := h.arn(i)
	keys := []string{
		h.pick("ARN in brackets", `"rolearn": "`+arn+`"`, `"rolearn":"`+arn+`"`, "rolearn: "+arn, "'roleARN' : '"+arn+"'"),
		h.pick("user in brackets", `"username": "{{SessionName}}"`, "username: n", `username: "}{"`, `"username":'a, b'`),
		h.pick("groups in brackets", `"groups": []`, `groups: ["system:masters"]`, "groups: [a, b,]", `"groups":["}","]"]`),
	}
	return h.pick("open brace", "{", "{ ") + strings.Join(rapid.Permutation(keys).Draw(h.T, "order in brackets"), ", ") + h.pick("close brace", "}", " }", ",}")
}

// some gives a few roles that no generated entry maps, in any order.
func (h hand) some() []Role {
	var all []Role
	for i := range rapid.IntRange(1, 4).Draw(h.T, "roles") {
		all = append(all, Role{
			ARN:      fmt.Sprintf("arn:aws:iam::012345678901:role/e6data-%d", i),
			Username: h.pick("our user", "e6data", "e6data", "{{SessionName}}", "system:node:{{EC2PrivateDNSName}}", "0123", "it's: # \"odd\""),
			Groups:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "system:masters", "#b", "yes", "{{AccountID}}"}), 0, 3, rapid.ID).Draw(h.T, "our groups"),
		})
	}
	return all
}
