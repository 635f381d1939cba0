package release

// This file is for who only looks at a cluster: which release an object belongs
// to, and which stack a release.

// RecordsOfStacks selects, among Secrets, the records of the releases that
// stacks of this quickstart own.
const RecordsOfStacks = "owner=helm," + labelStack

// OwnerOfRecord is the owner of a release by the labels of one of its records.
// It is the zero Owner if no stack of this quickstart made it.
func OwnerOfRecord(labels map[string]string) Owner { return ownerFrom(labels) }

// SameStack tells whether both are resources of one stack.
func (o Owner) SameStack(other Owner) bool { return o.sameStack(other) }

// MarkedFor is the release that an object belongs to by Helm's annotations. ok
// is false if it has none: then Helm did not make it, and refuses to take it
// over.
func MarkedFor(annotations map[string]string) (t Target, ok bool) {
	t = Target{Namespace: annotations[annotationNamespace], Name: annotations[annotationRelease]}
	return t, t.Name != "" && t.Namespace != ""
}
