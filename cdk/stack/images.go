package stack

import "strings"

// chartImages are the images of the charts, by chart. A chart that is not here
// has none. A customer's registry (ImageRegistry) has them under the same path,
// without the public registry's host.
var chartImages = map[string]string{
	"karpenter":                    "public.ecr.aws/karpenter/controller",
	"aws-load-balancer-controller": "public.ecr.aws/eks/aws-load-balancer-controller",
}

// imageOf is the repository of a chart's image.
func imageOf(chart string) *string {
	public := chartImages[chart]
	_, path, _ := strings.Cut(public, "/")
	return eitherText(hasImageRegistry, sub("${ImageRegistry}/"+path), text(public))
}
