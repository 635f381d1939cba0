package clustercheck

import (
	"context"
	"fmt"
	"slices"

	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
)

// pageSize is how many objects one request brings at most: a cluster may have
// thousands, and the function little memory.
const pageSize = 250

// Reader takes pictures of one cluster. It only reads.
type Reader struct {
	kube     kubernetes.Interface
	meta     metadata.Interface
	dynamic  dynamic.Interface
	pageSize int64
}

// NewReader returns a reader of the cluster that cfg reaches.
func NewReader(cfg *rest.Config) (*Reader, error) {
	// A third of JSON's size, for the kinds that have it.
	compact := rest.CopyConfig(cfg)
	compact.ContentType = runtime.ContentTypeProtobuf
	compact.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	kube, err := kubernetes.NewForConfig(compact)
	if err != nil {
		return nil, fmt.Errorf("client of the cluster: %w", err)
	}
	meta, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("metadata client of the cluster: %w", err)
	}
	plain, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("dynamic client of the cluster: %w", err)
	}
	return &Reader{kube: kube, meta: meta, dynamic: plain, pageSize: pageSize}, nil
}

// Picture looks at all that w asks for. What the role may not see is in the
// picture as that; any other failure ends the look.
func (r *Reader) Picture(ctx context.Context, w Want) (Picture, error) {
	l := &look{Reader: r, want: w, out: Picture{Unseen: map[string]bool{}, Unreadable: map[string]string{}}}
	for _, step := range []func(context.Context) error{
		l.version, l.rights, l.apis, l.definitions, l.records, l.deployments, l.claims, l.pools, l.nodes,
		l.namespaces, l.limits, l.ingressClasses, l.webhooks,
	} {
		if err := step(ctx); err != nil {
			return Picture{}, err
		}
	}
	return l.out, nil
}

// look is one picture in the making.
type look struct {
	*Reader
	want Want
	out  Picture
}

// allowed makes a gap in the picture of a refusal, and an error with what was
// read of any other failure. It tells whether there is something to look at.
func (l *look) allowed(verb, resource string, err error) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsForbidden(err):
		l.out.Unseen[resource] = true
		l.lacks(Right{verb, resource})
		return false, nil
	}
	return false, fmt.Errorf("%s %s: %w", verb, resource, err)
}

func (l *look) lacks(r Right) {
	if !slices.Contains(l.out.Lacks, r) {
		l.out.Lacks = append(l.out.Lacks, r)
	}
}

// each goes through a list page by page until visit returns an error. A page
// that is not needed is not read.
func (l *look) each(ctx context.Context, options metav1.ListOptions, page pager.ListPageFunc, visit func(runtime.Object) error) error {
	p := pager.New(page)
	p.PageSize, p.PageBufferSize = l.pageSize, 0
	return p.EachListItem(ctx, options, visit)
}

func (l *look) version(context.Context) error {
	v, err := l.kube.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("read the cluster's version: %w", err)
	}
	l.out.Version = v.GitVersion
	return nil
}

// rights asks whether the role may do everything and, if not, what of the needed
// it may not.
func (l *look) rights(ctx context.Context) error {
	all, err := l.may(ctx, "*", schema.GroupResource{Group: "*", Resource: "*"})
	if err != nil || all {
		return err
	}
	ask := func(verb string, resource schema.GroupResource) error {
		may, err := l.may(ctx, verb, resource)
		if err == nil && !may {
			l.lacks(Right{verb, resource.String()})
		}
		return err
	}
	for _, m := range made {
		for _, verb := range []string{"create", "delete"} {
			if err := ask(verb, schema.GroupResource{Group: m.group, Resource: m.resource}); err != nil {
				return err
			}
		}
	}
	// Charts bring roles with rights that the installer need not have itself.
	for _, verb := range []string{"escalate", "bind"} {
		if err := ask(verb, clusterRoles.GroupResource()); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) may(ctx context.Context, verb string, on schema.GroupResource) (bool, error) {
	review := &authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorization.ResourceAttributes{Verb: verb, Group: on.Group, Resource: on.Resource},
	}}
	answer, err := l.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask whether this role may %s %s: %w", verb, on, err)
	}
	return answer.Status.Allowed, nil
}
