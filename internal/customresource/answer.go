package customresource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
)

// maxBody is CloudFormation's limit for an answer (crpg-ref-responses.html).
const maxBody = 4096

// outcome is what a handler came to, whatever its types.
type outcome struct {
	physicalID string
	data       map[string]any
	noEcho     bool
	err        error
}

// answerTo builds the body that answers ev: valid JSON of at most maxBody bytes.
// An outcome that cannot be sent (a physical ID that is too long, Data that
// does not fit) becomes a failure that says so. It returns the answer too, for
// the log; the error is the failure that the answer tells, complete.
func answerTo(ev event, out outcome, logPlace string) (cfn.Response, []byte, error) {
	id, idErr := answeredID(ev, out)
	res := cfn.Response{
		Status:             cfn.StatusSuccess,
		RequestID:          ev.RequestID,
		LogicalResourceID:  ev.LogicalResourceID,
		StackID:            ev.StackID,
		PhysicalResourceID: id,
		NoEcho:             out.noEcho,
		Data:               out.data,
	}
	failure := errors.Join(out.err, idErr)
	if failure == nil {
		body, err := jsonText(res)
		switch {
		case err != nil:
			failure = fmt.Errorf("the resource is made, but its Data does not marshal: %w", err)
		case len(body) > maxBody:
			failure = fmt.Errorf("the resource is made, but its answer takes %d bytes and CloudFormation accepts %d: "+
				"its Data has to be made smaller", len(body), maxBody)
		default:
			return res, body, nil
		}
	}
	return failed(res, failure, logPlace)
}

// failed turns res into the answer that tells failure.
func failed(res cfn.Response, failure error, logPlace string) (cfn.Response, []byte, error) {
	res.Status, res.Data, res.NoEcho = cfn.StatusFailed, nil, false
	// The field itself is left out while its text is empty.
	res.Reason = "-"
	empty, err := jsonText(res)
	if err != nil {
		return cfn.Response{}, nil, fmt.Errorf("marshal the answer: %w", err)
	}
	text := failure.Error()
	if text == "" {
		text = "failed without saying why"
	}
	res.Reason = fitReason(text, logPlace, maxBody-len(empty)+len("-"))
	body, err := jsonText(res)
	if err != nil {
		return cfn.Response{}, nil, fmt.Errorf("marshal the answer: %w", err)
	}
	return res, body, failure
}

// answeredID is the physical ID that an answer carries: the handler's if it
// gave one, else the one that the resource has, else the marker of a resource
// that was never made.
func answeredID(ev event, out outcome) (string, error) {
	standIn := ev.PhysicalResourceID
	if standIn == "" || ev.RequestType == Create {
		standIn = markerID(ev.RequestID)
	}
	switch {
	case out.physicalID == "" || ev.RequestType == Delete:
		if ev.RequestType == Create && out.err == nil {
			return standIn, errors.New("the handler named no physical ID for what it made: this is a bug in the function")
		}
		return standIn, nil
	case jsonSize(out.physicalID) > maxPhysicalID:
		return standIn, fmt.Errorf("the physical ID takes %d bytes and CloudFormation accepts %d: "+
			"shorter names are needed (it begins with %q)", jsonSize(out.physicalID), maxPhysicalID, cutTo(out.physicalID, 100))
	}
	return out.physicalID, nil
}

// dataOf turns a handler's Data into the object that is sent. Numbers and
// booleans become their text, null fields are left out.
func dataOf(data any) (map[string]any, error) {
	text, err := jsonText(data)
	if err != nil {
		return nil, fmt.Errorf("marshal Data: %w", err)
	}
	if string(text) == "null" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("the handler's Data is a %T, which is no JSON object: this is a bug in the function", data)
	}
	sent := make(map[string]any, len(fields))
	for name, value := range fields {
		switch value = bytes.TrimSpace(value); value[0] {
		case 'n': // null
		case '"', '{', '[':
			sent[name] = value
		default: // number, true, false
			sent[name] = string(value)
		}
	}
	return sent, nil
}
