// Package render writes a synthesised template as the YAML that people read.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// header stands above each template.
const header = "# Generated from cdk/ by `make template`: change it there.\n"

// sections is the order in which a template is read; other keys follow.
var sections = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs",
}

// YAML turns the JSON text of a template into YAML with the same content, keys
// in the same order (sections in the usual one), block style. Text is quoted
// wherever YAML 1.1, which CloudFormation reads, would take it for something
// else: yes, 1:30, 0755, 2012-10-17.
func YAML(template []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(template))
	dec.UseNumber()
	root, err := value(dec)
	if err != nil {
		return nil, fmt.Errorf("read the template's JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read the template's JSON: more than one value")
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("read the template's JSON: not an object")
	}
	root = inOrder(root)
	out := bytes.NewBufferString(header)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return out.Bytes(), nil
}

// inOrder moves the sections of a template to their usual places. The format
// version is added: templates without it are valid, but readers look for it.
func inOrder(root *yaml.Node) *yaml.Node {
	rank := func(key string) int {
		if i := slices.Index(sections, key); i >= 0 {
			return i
		}
		return len(sections)
	}
	type pair struct{ key, value *yaml.Node }
	pairs := []pair{}
	for i := 0; i < len(root.Content); i += 2 {
		pairs = append(pairs, pair{root.Content[i], root.Content[i+1]})
	}
	if !slices.ContainsFunc(pairs, func(p pair) bool { return p.key.Value == sections[0] }) {
		pairs = append(pairs, pair{scalar(sections[0]), scalar("2010-09-09")})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return rank(a.key.Value) - rank(b.key.Value) })
	ordered := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range pairs {
		ordered.Content = append(ordered.Content, p.key, p.value)
	}
	return ordered
}

// value reads one JSON value, keeping the order of keys.
func value(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return object(dec)
		}
		return list(dec)
	case string:
		return scalar(t), nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	return nil, fmt.Errorf("token %v of type %T", token, token)
}

func object(dec *json.Decoder) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := value(dec)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, scalar(key.(string)), v)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle // {}
	}
	_, err := dec.Token() // the closing brace
	return node, err
}

func list(dec *json.Decoder) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	for dec.More() {
		v, err := value(dec)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, v)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle // []
	}
	_, err := dec.Token() // the closing bracket
	return node, err
}

var (
	// plainText begins with a letter, so that it is no number, date, time or
	// tag, and has only characters that mean nothing in YAML.
	plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./ (),;!?'$+-]*$`)
	// qualified also admits a colon inside a word: AWS::Region, s3:GetObject.
	qualified = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(::?[A-Za-z][A-Za-z0-9_*-]*)+$`)
	// words are what YAML 1.1 takes for a boolean or for nothing, in any case.
	words = []string{"y", "n", "yes", "no", "true", "false", "on", "off", "null"}
)

// scalar is text in the plainest style that every YAML reader takes for text.
func scalar(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case slices.Contains(words, strings.ToLower(s)):
		node.Style = yaml.DoubleQuotedStyle
	case plainText.MatchString(s) && !strings.HasSuffix(s, " "), qualified.MatchString(s):
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		node.Style = yaml.DoubleQuotedStyle
	default:
		node.Style = yaml.SingleQuotedStyle
	}
	return node
}
