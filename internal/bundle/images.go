package bundle

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// mirror is a registry to find out which images ImageRegistry moves.
const mirror = "mirror.invalid/images"

// image is one that pods of the charts run.
type image struct {
	source string // with its digest, else with its tag
	path   string // below ImageRegistry, with its tag; empty: it is not taken from there
}

// imageOf reads an image of a manifest. Moved are those of the same charts with
// ImageRegistry.
func imageOf(text string, moved []string) (image, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return image{}, fmt.Errorf("image %q: %w", text, err)
	}
	named = reference.TagNameOnly(named)
	i := image{source: named.String()}
	tagged, hasTag := named.(reference.Tagged)
	if digested, ok := named.(reference.Digested); ok {
		i.source = named.Name() + "@" + digested.Digest().String()
		if !hasTag {
			return i, fmt.Errorf("image %q has no tag, under which a copy could be kept", text)
		}
	}
	_, path, _ := strings.Cut(text, "/")
	if slices.Contains(moved, mirror+"/"+path) {
		i.path = reference.Path(named) + ":" + tagged.Tag()
	}
	return i, nil
}

// imageList is images.txt.
func imageList(version string, images map[string]image, addons []string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `# Container images of the e6data AWS quickstart %s: where each is, and its place below the registry that is given as
# ImageRegistry. Copy all architectures, and keep the digests: pods ask for them. For example, with crane, to REGISTRY:
#   grep -v '^#' images.txt | while read -r from to; do crane copy "$from" "$REGISTRY/$to"; done
# In Amazon ECR the repositories (the places without :TAG) must be made first.
`, version)
	fmt.Fprintf(&out, "# Not to be copied: the images of EKS's add-ons (%s). Nodes pull them from Amazon's own registry\n"+
		"# of the region, through the endpoints ecr.api, ecr.dkr and s3.\n", strings.Join(addons, ", "))
	for _, i := range slices.SortedFunc(maps.Values(images), func(a, b image) int { return strings.Compare(a.source, b.source) }) {
		if i.path == "" {
			fmt.Fprintf(&out, "# Pulled from where it is, whatever ImageRegistry says: %s\n", i.source)
			continue
		}
		fmt.Fprintf(&out, "%s %s\n", i.source, i.path)
	}
	return out.Bytes()
}
