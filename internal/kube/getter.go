package kube

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Getter is Helm's way to a cluster (genericclioptions.RESTClientGetter),
// bound to one namespace. Discovery is cached for the getter's life and shared
// by everything that uses it.
type Getter struct {
	cluster   *Cluster
	namespace string

	once      sync.Once
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.ResettableRESTMapper
	err       error
}

// Getter returns a new getter whose default namespace is namespace.
func (c *Cluster) Getter(namespace string) *Getter {
	return &Getter{cluster: c, namespace: namespace}
}

// ToRESTConfig returns a copy of the cluster's configuration.
func (g *Getter) ToRESTConfig() (*rest.Config, error) { return g.cluster.Config(), nil }

// ToDiscoveryClient returns the discovery client with its cache in memory.
func (g *Getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	g.open()
	return g.discovery, g.err
}

// ToRESTMapper returns the mapper from kinds to resources. It is the same one
// at each call, so that a Reset after new CRDs reaches everybody.
func (g *Getter) ToRESTMapper() (meta.RESTMapper, error) {
	g.open()
	if g.err != nil {
		return nil, g.err
	}
	return restmapper.NewShortcutExpander(g.mapper, g.discovery, nil), nil
}

// ToRawKubeConfigLoader knows the namespace only: there is no kubeconfig file.
func (g *Getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(),
		&clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: g.namespace}})
}

func (g *Getter) open() {
	g.once.Do(func() {
		client, err := discovery.NewDiscoveryClientForConfig(g.cluster.Config())
		if err != nil {
			g.err = err
			return
		}
		g.discovery = memory.NewMemCacheClient(client)
		g.mapper = restmapper.NewDeferredDiscoveryRESTMapper(g.discovery)
	})
}
