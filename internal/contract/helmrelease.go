package contract

// HelmRelease are the properties of Custom::HelmRelease: one Helm release on
// one EKS cluster.
type HelmRelease struct {
	// ClusterName is the EKS cluster's name.
	ClusterName string `json:"ClusterName"`
	// Namespace of the release. It is made if missing and CreateNamespace is
	// set, and is removed again on Delete only if this resource made it.
	Namespace       string `json:"Namespace"`
	CreateNamespace bool   `json:"CreateNamespace,omitempty"`
	// ReleaseName is Helm's release name: at most 53 characters.
	ReleaseName string `json:"ReleaseName"`
	// Repository is where the chart is: "builtin:" (a chart of this function's
	// own binary), "https://HOST/PATH" (a chart repository),
	// "oci://HOST/PATH" (a registry), or "s3://BUCKET/PREFIX" (archives named
	// CHART-VERSION.tgz).
	Repository string `json:"Repository"`
	// Chart is the chart's name in the repository.
	Chart string `json:"Chart"`
	// ChartVersion is the exact version. A built-in chart takes none.
	ChartVersion string `json:"ChartVersion,omitempty"`
	// ChartDigest is the SHA-256 of the chart archive, 64 hexadecimal digits;
	// empty: not compared.
	ChartDigest string `json:"ChartDigest,omitempty"`
	// Values are the release's values as one JSON object text, so that numbers
	// and booleans keep their type.
	Values string `json:"Values,omitempty"`
	// Wait holds the resource until the chart's objects are ready.
	Wait bool `json:"Wait,omitempty"`
	// TimeoutSeconds is the longest time for one Helm action; 0 means as long
	// as the function has.
	TimeoutSeconds int `json:"TimeoutSeconds,omitempty"`
	// Adopt says what to do with a release of this name that this resource did
	// not make, and with objects without Helm's ownership marks (CRDs that
	// another installer left): AdoptNever (the default) refuses and names the
	// owner, AdoptExisting takes them over. A Delete hands an adopted release
	// that was not changed since back as it was found, and keeps adopted objects.
	Adopt string `json:"Adopt,omitempty"`
	// Dependents are objects that controllers make for the release's own. A
	// Delete deletes them too and waits until they are gone; when it gives up,
	// the reason names them and what they wait for.
	Dependents []Dependents `json:"Dependents,omitempty"`
	// NeededBy are resources, plural and group such as nodepools.karpenter.sh,
	// whose objects need what this release runs. While the cluster has any that
	// are not the release's own, or has another workspace of this quickstart, a
	// Delete refuses, names them, and changes nothing.
	NeededBy []string `json:"NeededBy,omitempty"`
	// After are resources that come first, by what their Ref says. They are not
	// looked at: a resource that may not exist can be named inside Fn::If, and
	// not in DependsOn.
	After []string `json:"After,omitempty"`
}

// Dependents are all objects of one type that have certain labels.
type Dependents struct {
	// Resource is plural and group, such as nodeclaims.karpenter.sh.
	Resource string `json:"Resource"`
	// Selector is a label selector; it must not be empty.
	Selector string `json:"Selector"`
}

// Values of HelmRelease.Adopt.
const (
	AdoptNever    = "Never"
	AdoptExisting = "Existing"
)

// HelmReleaseData is what Fn::GetAtt can read from a Custom::HelmRelease.
type HelmReleaseData struct {
	ReleaseName  string `json:"ReleaseName"`
	Namespace    string `json:"Namespace"`
	Revision     int    `json:"Revision"`
	Status       string `json:"Status"`
	ChartVersion string `json:"ChartVersion"`
	AppVersion   string `json:"AppVersion"`
}
