package rehearsal

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// What a cluster's pictures call the keys of the ConfigMap kube-system/aws-auth,
// and all else of it, and the cluster's authentication mode.
const (
	awsAuthThing    = "aws-auth "
	awsAuthMetadata = "metadata"
	modeThing       = "authentication mode "
)

// allowsAWSAuth tells whether a change of the map only adds allowed entries.
func (a Allowance) allowsAWSAuth(c Change) bool {
	if len(a.AWSAuth) == 0 || c.Is == "" {
		return false
	}
	if c.Thing == awsAuthThing+awsAuthMetadata {
		return c.Was == "" // the map is new, and what is in it is looked at by its keys
	}
	was, is := "", ""
	if c.Was != "" && json.Unmarshal([]byte(c.Was), &was) != nil || json.Unmarshal([]byte(c.Is), &is) != nil {
		return false
	}
	before, ok := entriesOf(was)
	after, alsoOK := entriesOf(is)
	if !ok || !alsoOK {
		return false
	}
	if !reflect.DeepEqual(a.others(before), a.others(after)) {
		return false
	}
	switch {
	case len(after) <= len(before):
		return was == is // what was put in is no entry
	case len(before) == 0:
		return true // an empty list has no byte that could stay
	}
	return inserted(was, is)
}

// others are the entries of principals that are not allowed.
func (a Allowance) others(entries []map[string]any) []map[string]any {
	return slices.DeleteFunc(slices.Clone(entries), func(e map[string]any) bool {
		arn, _ := e["rolearn"].(string)
		if arn == "" {
			arn, _ = e["userarn"].(string)
		}
		return slices.ContainsFunc(a.AWSAuth, func(pattern string) bool { return matches(pattern, arn) })
	})
}

// entriesOf are the entries of mapRoles or mapUsers; false if there is no list.
func entriesOf(text string) ([]map[string]any, bool) {
	entries := []map[string]any{}
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed == `""` || trimmed == "``" {
		return entries, true // as the authenticator reads them
	}
	err := yaml.Unmarshal([]byte(text), &entries)
	if entries == nil {
		entries = []map[string]any{}
	}
	return entries, err == nil
}

// inserted tells whether one piece was put into a text and all else of it is as
// it was, byte by byte.
func inserted(was, is string) bool {
	begin := 0
	for begin < min(len(was), len(is)) && was[begin] == is[begin] {
		begin++
	}
	return len(is) >= len(was) && strings.HasSuffix(is[begin:], was[begin:])
}
