package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// consolePath is the console's page for a new workspace.
const consolePath = "/workspaces/create"

// hostName is a DNS name of one or more labels, with or without a port.
var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// readConfig reads a workspace's description: one JSON object that has every
// field of contract.WorkspaceConfig, as text that is not empty, and no other.
// The error names all fields that are wrong, and no value.
func readConfig(text string) (contract.WorkspaceConfig, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil || fields == nil {
		return contract.WorkspaceConfig{}, errors.New("it is not a JSON object")
	}
	var cfg contract.WorkspaceConfig
	var problems []error
	target := reflect.ValueOf(&cfg).Elem()
	for f := range target.Type().Fields() {
		name := f.Tag.Get("json")
		value, given := fields[name]
		delete(fields, name)
		var s string
		switch {
		case !given:
			problems = append(problems, fmt.Errorf("%s is missing", name))
		case json.Unmarshal(value, &s) != nil:
			problems = append(problems, fmt.Errorf("%s is not text", name))
		case strings.TrimSpace(s) == "":
			problems = append(problems, fmt.Errorf("%s is empty", name))
		}
		target.FieldByIndex(f.Index).SetString(s)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		problems = append(problems, fmt.Errorf("%s is not known", name))
	}
	return cfg, errors.Join(problems...)
}

// consoleURL is the link that opens the console with the workspace's fields
// filled in. The external ID is left out: links end up in histories and logs.
func consoleURL(host string, cfg contract.WorkspaceConfig) (string, error) {
	if !hostName.MatchString(host) {
		return "", fmt.Errorf("%q is not a host name such as console.example.com", host)
	}
	query := url.Values{}
	source := reflect.ValueOf(cfg)
	for f := range source.Type().Fields() {
		if f.Name != "ExternalID" {
			query.Set(f.Tag.Get("json"), source.FieldByIndex(f.Index).String())
		}
	}
	link := url.URL{Scheme: "https", Host: host, Path: consolePath, RawQuery: query.Encode()}
	return link.String(), nil
}
