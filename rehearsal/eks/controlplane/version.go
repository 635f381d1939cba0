package controlplane

import (
	"fmt"

	"k8s.io/component-base/version"
)

// eksSuffix ends the versions that EKS's API servers and nodes report, such as
// v1.36.3-eks-508b6b3. To semantic versioning it is a pre-release: a chart that
// wants kubeVersion ">=1.33.0", not ">=1.33.0-0", is refused here as it is there.
const eksSuffix = "-eks-0000000"

// SetVersion makes every component report the version of Kubernetes that this
// binary was built from, in EKS's form, and gives it.
func SetVersion() (string, error) {
	built := version.Get().GitVersion
	if err := version.SetDynamicVersion(built + eksSuffix); err != nil {
		return "", fmt.Errorf("the binary was built without the version of Kubernetes (it says %q; README.md has the build line): %w", built, err)
	}
	return version.Get().GitVersion, nil
}
