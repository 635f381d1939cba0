package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Digest is the Sid and the digest of a statement that is JSON. Single values
// count as lists of one, and the order of keys does not count: two ways to write
// the same statement have one digest.
func Digest(statement []byte) (sid, sum string, err error) {
	var e struct {
		Sid, Effect             string
		Action, Resource        oneOrMore
		Condition               map[string]map[string]oneOrMore `json:",omitempty"`
		Principal, NotPrincipal any                             `json:",omitempty"`
		NotAction, NotResource  any                             `json:",omitempty"`
	}
	if err := json.Unmarshal(statement, &e); err != nil {
		return "", "", fmt.Errorf("read the statement: %w", err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return "", "", err
	}
	hash := sha256.Sum256(text)
	return e.Sid, hex.EncodeToString(hash[:]), nil
}

// Digest is the statement's.
func (s Statement) Digest() (string, error) {
	text, err := json.Marshal(s.Element())
	if err != nil {
		return "", err
	}
	_, sum, err := Digest(text)
	return sum, err
}

type oneOrMore []string

// UnmarshalJSON reads a text, or a list of texts.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	var more []string
	if err := json.Unmarshal(b, &more); err != nil {
		return err
	}
	*o = more
	return nil
}
