package diagnose

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// readOnly is a configuration whose clients refuse, before anything is sent, any
// operation that does not read by its name. All that Collect makes has it: a
// look at an account may change nothing, whatever a later version of this
// package asks for.
func readOnly(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("ReadOnly",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				if operation := awsmiddleware.GetOperationName(ctx); !reads(operation) {
					return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%s is not read-only, so it was not sent", operation)
				}
				return next.HandleInitialize(ctx, in)
			}), middleware.After)
	})
	return cfg
}

// reads tells whether an operation only reads, by the word that AWS begins the
// names of such operations with.
func reads(operation string) bool {
	return slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(verb string) bool { return strings.HasPrefix(operation, verb) })
}

// getOnly refuses any request to a Kubernetes API server but GET.
type getOnly struct{ http.RoundTripper }

func (g getOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return nil, fmt.Errorf("%s %s is not read-only, so it was not sent", r.Method, r.URL.Path)
	}
	return g.RoundTripper.RoundTrip(r)
}
