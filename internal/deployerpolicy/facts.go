package deployerpolicy

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// What rehearsal/aws/handler_rights.py wrote.
//
//go:embed handlers.json
var handlersJSON []byte

// facts are what AWS publishes of resource types and of actions.
type facts struct {
	Types map[string]typeFacts `json:"types"`
	// Actions has, by action and kind of resource ("" for none), how it is
	// judged. What is not here is no action of IAM's.
	Actions map[string]map[string]judged `json:"actions"`
}

type typeFacts struct {
	// Own is the kind of resource that the type is, or is a part of.
	Own      string              `json:"own"`
	Handlers map[string][]string `json:"handlers"`
	// Belongs has the properties without which an action is not called.
	Belongs map[string][]string `json:"belongs"`
	// Refers has the kinds of resources that properties name.
	Refers map[string]string `json:"refers"`
	// Passes is the service that gets a role; Linked a service and the name of
	// its service-linked role.
	Passes string   `json:"passes"`
	Linked []string `json:"linked"`
}

// judged is how an action is judged on a kind: always or if the request names
// one, and with which of the keys that limit it. A key that ends in / is a
// family.
type judged struct {
	Always bool     `json:"always"`
	Keys   []string `json:"keys"`
}

func readFacts() (facts, error) {
	var f facts
	if err := json.Unmarshal(handlersJSON, &f); err != nil {
		return facts{}, fmt.Errorf("read handlers.json: %w", err)
	}
	return f, nil
}

// takes tells whether a policy can limit an action on a kind by a key.
func (f facts) takes(action, kind, key string) bool {
	for _, known := range f.Actions[action][kind].Keys {
		if strings.EqualFold(known, key) || strings.HasSuffix(known, "/") && strings.HasPrefix(strings.ToLower(key), known) {
			return true
		}
	}
	return false
}

// reads tells an action that changes nothing, by its name.
func reads(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

func serviceOf(action string) string {
	service, _, _ := strings.Cut(action, ":")
	return service
}
