package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/registry"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// fromRegistry pulls HOST/PATH/CHART with the version as tag.
func (s *Source) fromRegistry(ctx context.Context, place *url.URL, ref Reference) ([]byte, error) {
	target := *place
	target.Path = path.Join(place.Path, ref.Chart)
	return s.fromAddress(ctx, &target, ref)
}

// fromAddress pulls a chart anonymously. Helm's own client knows no context
// and no limits, and reads Docker's credential files.
func (s *Source) fromAddress(ctx context.Context, target *url.URL, ref Reference) ([]byte, error) {
	name, _, _ := strings.Cut(strings.Trim(target.Path, "/"), ":")
	where := target.Host + "/" + name
	repository, err := remote.NewRepository(where)
	if err != nil {
		return nil, fmt.Errorf("registry address %q: %w", where, err)
	}
	repository.Client = &auth.Client{Client: s.client(), Cache: auth.NewCache()}
	// A tag cannot hold a plus: Helm writes an underscore in its place.
	tag := strings.ReplaceAll(ref.Version, "+", "_")
	archive, err := pull(ctx, repository, tag)
	if err != nil {
		return nil, registryError(err, where, tag)
	}
	return archive, nil
}

func pull(ctx context.Context, repository *remote.Repository, tag string) ([]byte, error) {
	descriptor, body, err := repository.Manifests().FetchReference(ctx, tag)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if descriptor.Size > maxArchive {
		return nil, fmt.Errorf("its manifest: %w", errTooLarge)
	}
	text, err := content.ReadAll(body, descriptor)
	if err != nil {
		return nil, fmt.Errorf("its manifest: %w", err)
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("its manifest: %w", err)
	}
	layer, err := chartLayer(&manifest)
	if err != nil {
		return nil, err
	}
	if layer.Size > maxArchive {
		return nil, fmt.Errorf("its archive has %d bytes: %w: more than %d MiB", layer.Size, errTooLarge, maxArchive>>20)
	}
	return content.FetchAll(ctx, repository, *layer)
}

func chartLayer(manifest *ocispec.Manifest) (*ocispec.Descriptor, error) {
	for i, layer := range manifest.Layers {
		if layer.MediaType == registry.ChartLayerMediaType || layer.MediaType == registry.LegacyChartLayerMediaType {
			return &manifest.Layers[i], nil
		}
	}
	return nil, fmt.Errorf("there is something else than a Helm chart (%s)", manifest.Config.MediaType)
}

func registryError(err error, where, tag string) error {
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return fmt.Errorf("registry %s has no tag %s: %w", where, tag, err)
	case errors.As(err, &answer) && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden}, answer.StatusCode):
		return fmt.Errorf("registry %s does not let anybody read it without credentials (some registries answer so for a missing chart); "+
			"copy the chart to an s3:// prefix, or correct the address: %w", where, err)
	}
	return fmt.Errorf("pull %s:%s: %w", where, tag, err)
}
