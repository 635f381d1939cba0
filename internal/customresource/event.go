package customresource

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// event is the request object as CloudFormation sends it
// (crpg-ref-requests.html). The properties stay as they came until it is known
// how strictly they are to be read.
type event struct {
	RequestType           RequestType     `json:"RequestType"`
	RequestID             string          `json:"RequestId"`
	ResponseURL           string          `json:"ResponseURL"`
	ResourceType          string          `json:"ResourceType"`
	PhysicalResourceID    string          `json:"PhysicalResourceId"`
	LogicalResourceID     string          `json:"LogicalResourceId"`
	StackID               string          `json:"StackId"`
	ResourceProperties    json.RawMessage `json:"ResourceProperties"`
	OldResourceProperties json.RawMessage `json:"OldResourceProperties"`
}

// maxEcho bounds the fields that an answer repeats, as JSON text, so that a
// reason always fits beside them. CloudFormation's own are far shorter.
const maxEcho = 3072

// parseEvent reads an event. It fails for everything that nobody waits for an
// answer to: what is no JSON object, or lacks a field that an answer needs.
// The error never holds the event's text.
func parseEvent(text []byte) (event, error) {
	var ev event
	if err := json.Unmarshal(text, &ev); err != nil {
		return event{}, fmt.Errorf("not a CloudFormation custom-resource event: %w", errNotJSON(err))
	}
	var missing []error
	for _, f := range []struct{ name, value string }{
		{"RequestId", ev.RequestID},
		{"StackId", ev.StackID},
		{"LogicalResourceId", ev.LogicalResourceID},
		{"ResponseURL", ev.ResponseURL},
	} {
		if f.value == "" {
			missing = append(missing, fmt.Errorf("no %s", f.name))
		}
	}
	if len(missing) > 0 {
		return event{}, fmt.Errorf("not a CloudFormation custom-resource event: %w", oneLine(errors.Join(missing...)))
	}
	if u, err := url.Parse(ev.ResponseURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return event{}, errors.New("not a CloudFormation custom-resource event: its ResponseURL is no web address")
	}
	if size := jsonSize(ev.RequestID) + jsonSize(ev.StackID) + jsonSize(ev.LogicalResourceID) + jsonSize(ev.PhysicalResourceID); size > maxEcho {
		return event{}, fmt.Errorf("not a CloudFormation custom-resource event: its IDs take %d bytes, at most %d can be answered", size, maxEcho)
	}
	return ev, nil
}

// errNotJSON keeps of a JSON error what does not repeat the text.
func errNotJSON(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s is of the wrong JSON type (%s)", cmp.Or(wrong.Field, "the whole"), wrong.Value)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON, at byte %d", syntax.Offset)
	}
	return errors.New("no JSON object")
}
