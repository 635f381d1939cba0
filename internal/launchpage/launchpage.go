// Package launchpage writes what the launch page (site/) shows of a version:
// questions, patterns and sentences of its templates, what they make, the
// permissions in them, and the monthly cost of their fixed parts. Nothing of it
// stands in the page itself.
package launchpage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/authcommand"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// File is where the page finds its content: a script, since a page that is opened
// from a folder may not read other files.
const File = "site/content.js"

// Content is all that the page shows of a version.
type Content struct {
	Version string   `json:"version"`
	Regions []Region `json:"regions"`
	Modes   []Mode   `json:"modes"`
	// MapInstaller is the command that an administrator of a cluster of the
	// authentication mode CONFIG_MAP runs once; {braces} are filled in by the page.
	MapInstaller string `json:"mapInstaller"`
}

// Region is where the version is published.
type Region struct {
	Name      string `json:"name"`
	Partition string `json:"partition"`
	Console   string `json:"console"` // the console's host
	Files     string `json:"files"`   // the version's address in the region's bucket, with a slash at the end
}

// Mode is one template.
type Mode struct {
	Name       string           `json:"name"`
	Title      string           `json:"title"`
	Template   string           `json:"template"`
	Capability string           `json:"capability"`
	Form       quickcreate.Form `json:"form"`
	Makes      []Made           `json:"makes"`
	Roles      []Role           `json:"roles"`
	Costs      []Cost           `json:"costs"`
}

// titles are the modes in the words of who chooses one.
var titles = map[string]string{
	contract.ModeNewVPC:      "New VPC and new EKS cluster",
	contract.ModeExistingVPC: "New EKS cluster in a VPC that I have",
	contract.ModeExistingEKS: "On an EKS cluster that I have",
}

// Write is the text of File for a version that is published in the regions, from
// the templates in the project's folder.
func Write(templates fs.FS, version string, regions []string) ([]byte, error) {
	c := Content{Version: version, MapInstaller: mapInstaller()}
	for _, name := range regions {
		partition, errPartition := quickcreate.Partition(name)
		host, errHost := quickcreate.ConsoleHost(name)
		files, errFiles := quickcreate.TemplateURL(name, artifact.Bucket(name), version, "")
		if err := errors.Join(errPartition, errHost, errFiles); err != nil {
			return nil, err
		}
		c.Regions = append(c.Regions, Region{Name: name, Partition: partition, Console: host, Files: files + "/"})
	}
	for _, name := range contract.Modes() {
		m, err := readMode(templates, name)
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", name, err)
		}
		c.Modes = append(c.Modes, m)
	}
	var text bytes.Buffer
	text.WriteString("// Generated from the templates by `make template`: change it there.\nwindow.launchContent = ")
	enc := json.NewEncoder(&text)
	enc.SetIndent("", " ")
	if err := enc.Encode(c); err != nil { // with <, > and & as \u003c and so on
		return nil, fmt.Errorf("write the launch page's content: %w", err)
	}
	return text.Bytes(), nil
}

// mapInstaller has the name that the templates give the installer's role
// (docs/adr/0025-installer-role-of-a-known-name.md).
func mapInstaller() string {
	name := contract.InstallerRole("{WorkspaceName}", "{region}")
	return authcommand.Role{
		ARN: "arn:{partition}:iam::{account}:role/" + name, Username: name, Groups: []string{"system:masters"},
	}.Eksctl("{ExistingClusterName}", "{region}")
}

// template is what the page reads of one, beside its form.
type template struct {
	Resources map[string]resource `yaml:"Resources"`
}

type resource struct {
	Type       string         `yaml:"Type"`
	Condition  string         `yaml:"Condition"`
	Properties map[string]any `yaml:"Properties"`
}

func readMode(templates fs.FS, name string) (Mode, error) {
	m := Mode{Name: name, Title: titles[name], Template: contract.ModeTemplate(name)}
	text, err := fs.ReadFile(templates, m.Template)
	if err != nil {
		return m, fmt.Errorf("read the template: %w", err)
	}
	if m.Form, err = quickcreate.ReadForm(text); err != nil {
		return m, err
	}
	var t template
	if err := yaml.Unmarshal(text, &t); err != nil {
		return m, fmt.Errorf("read the template's resources: %w", err)
	}
	m.Capability = t.capability()
	if m.Makes, err = t.makes(); err != nil {
		return m, err
	}
	if m.Roles, err = t.roles(); err != nil {
		return m, err
	}
	m.Costs, err = t.costs()
	return m, err
}

// capability is what the customer acknowledges: a role with a name of its own
// takes more (CloudFormation API reference, CreateStack, Capabilities).
func (t template) capability() string {
	for _, r := range t.Resources {
		if _, named := r.Properties["RoleName"]; named && r.Type == "AWS::IAM::Role" {
			return "CAPABILITY_NAMED_IAM"
		}
	}
	return "CAPABILITY_IAM"
}
