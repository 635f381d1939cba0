package addons

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

//go:embed manifests
var manifests embed.FS

// Cluster is what an add-on's objects tell of their cluster.
type Cluster struct {
	Name        string
	Region      string
	ServiceCIDR netip.Prefix
}

// values are what the manifests say of an add-on.
type values struct {
	Cluster  string
	Region   string
	Registry string // EKS's, of that region
	Version  string // v1.2.3-eksbuild.4
	DNS      string // address of the Service kube-dns
}

// MinimalVersion is how kube-proxy's image is tagged.
func (v values) MinimalVersion() string {
	return strings.Replace(v.Version, "-eksbuild", "-minimal-eksbuild", 1)
}

// UpstreamVersion is the version without the build, as the images of some add-ons are tagged.
func (v values) UpstreamVersion() string {
	version, _, _ := strings.Cut(v.Version, "-eksbuild")
	return version
}

// The account of EKS's images in most regions
// (docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html).
const imageAccount = "602401143452"

// dnsAddress is the tenth address of the Services, which EKS's nodes know as their
// name server.
func dnsAddress(services netip.Prefix) string {
	a := services.Masked().Addr()
	for range 10 {
		a = a.Next()
	}
	return a.String()
}

var functions = template.FuncMap{"list": func(all ...string) []string { return all }}

// objects are those that EKS makes of the add-on, in an order in which they can be
// made; none, if the add-on is not played here.
func (a *Addon) objects(c Cluster) ([]*unstructured.Unstructured, error) {
	text, err := manifests.ReadFile("manifests/" + a.Name + ".yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := template.New(a.Name).Funcs(functions).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the manifest of add-on %s: %w", a.Name, err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, values{
		Cluster: c.Name, Region: c.Region, Registry: imageAccount + ".dkr.ecr." + c.Region + ".amazonaws.com",
		Version: a.Version, DNS: dnsAddress(c.ServiceCIDR),
	})
	if err != nil {
		return nil, fmt.Errorf("fill in the manifest of add-on %s: %w", a.Name, err)
	}
	var all []*unstructured.Unstructured
	for document := range strings.SplitSeq(b.String(), "\n---\n") {
		raw, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("parse the manifest of add-on %s: %w", a.Name, err)
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("parse the manifest of add-on %s: %w", a.Name, err)
		}
		all = append(all, o)
	}
	return all, a.configure(all)
}
