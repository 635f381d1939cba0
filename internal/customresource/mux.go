package customresource

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// DefaultReserve is the time kept back for the answer when Options names none.
const DefaultReserve = 10 * time.Second

// Options configure a Mux. Every zero value is useful.
type Options struct {
	// HTTPClient sends the answers. Nil: a client of its own that verifies TLS
	// against the system's roots (SSL_CERT_FILE adds to them) and uses the
	// proxy of the environment.
	HTTPClient *http.Client
	// Logger gets one line for each request and one for each answer, never
	// property values or the ResponseURL. Nil: lambdacontext.NewLogger, whose
	// lines carry the Lambda request ID.
	Logger *slog.Logger
	// Reserve is the end of the function's time that handlers do not get: a
	// third of it for a handler to end after its context did, the rest for the
	// answer. Zero: DefaultReserve. With little time left it is at most half.
	Reserve time.Duration
	// LogGroup and LogStream are named in failures, so that a person finds the
	// whole log. Empty: those of the running Lambda function, if there is one.
	LogGroup, LogStream string
}

// Mux answers custom-resource events by resource type.
type Mux struct {
	resources map[string]resource
	sender    sender
	log       *slog.Logger
	reserve   time.Duration
	logGroup  string
	logStream string
	strays    strays
}

// resource is a Handler whose types are hidden.
type resource interface {
	handle(ctx context.Context, ev event, run *attempt) outcome
}

// NewMux returns a Mux without handlers.
func NewMux(o Options) *Mux {
	client := o.HTTPClient
	if client == nil {
		client = newClient()
	}
	logger := o.Logger
	if logger == nil {
		logger = lambdacontext.NewLogger()
	}
	return &Mux{
		resources: map[string]resource{},
		sender:    sender{client: client, log: logger},
		log:       logger,
		reserve:   cmp.Or(o.Reserve, DefaultReserve),
		logGroup:  cmp.Or(o.LogGroup, lambdacontext.LogGroupName),
		logStream: cmp.Or(o.LogStream, lambdacontext.LogStreamName),
	}
}

func newClient() *http.Client {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        2,
		IdleConnTimeout:     30 * time.Second,
	}
	return &http.Client{Transport: t}
}

// Register gives requests for a resource type ("Custom::NAME") to h. A second
// registration of the same type replaces the first.
func Register[P, D any](m *Mux, resourceType string, h Handler[P, D]) {
	m.resources[resourceType] = typed[P, D]{handler: h}
}

// Invoke handles one event and sends the answer. It is what lambda.Start runs.
//
// It returns nil as soon as CloudFormation has an answer, SUCCESS or FAILED:
// the failure of a resource is no failure of the invocation, and Lambda would
// run a failed one again. It returns an error when event is no custom-resource
// event, so that nobody waits, or when the answer could not be delivered.
func (m *Mux) Invoke(ctx context.Context, event json.RawMessage) error {
	ev, err := parseEvent(event)
	if err != nil {
		return err
	}
	log := m.log.With(
		"request", ev.RequestType, "type", ev.ResourceType, "logicalId", ev.LogicalResourceID,
		"cloudFormationRequestId", ev.RequestID, "stackId", ev.StackID)
	log.InfoContext(ctx, "handling request", "physicalId", ev.PhysicalResourceID)
	begin := time.Now()

	out := m.run(ctx, ev, log)

	res, body, failure := answerTo(ev, out, m.logPlace(ctx))
	if failure != nil {
		log.ErrorContext(ctx, "request failed", "error", failure)
	}
	if body == nil {
		return failure
	}
	if err := m.sender.send(ctx, ev.ResponseURL, body); err != nil {
		return fmt.Errorf("answer %s to the %s of %s in %s: %w", res.Status, ev.RequestType, ev.LogicalResourceID, ev.StackID, err)
	}
	log.InfoContext(ctx, "answered", "status", res.Status, "physicalId", res.PhysicalResourceID, "took", time.Since(begin).String())
	return nil
}

// dispatch finds the handler of ev and runs it.
func (m *Mux) dispatch(ctx context.Context, ev event, run *attempt) outcome {
	switch ev.RequestType {
	case Create, Update, Delete:
	default:
		return outcome{err: fmt.Errorf("the request type %q is not one of Create, Update, Delete", cutTo(string(ev.RequestType), 64))}
	}
	r, known := m.resources[ev.ResourceType]
	if known {
		return r.handle(ctx, ev, run)
	}
	if ev.RequestType == Delete {
		// The Create of such a resource failed with the sentence below, so
		// there is nothing to delete, and a failed Delete would only turn the
		// rollback into a failed one.
		run.log.WarnContext(ctx, "nothing to delete: no handler for this type")
		return outcome{}
	}
	names := strings.Join(slices.Sorted(maps.Keys(m.resources)), ", ")
	return outcome{err: fmt.Errorf("this function does not handle the resource type %q; it handles %s", cutTo(ev.ResourceType, 64), names)}
}

// logPlace is the end of every reason: where the whole log is.
func (m *Mux) logPlace(ctx context.Context) string {
	p := LogPlace{Group: m.logGroup, Stream: m.logStream}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		p.Request = lc.AwsRequestID
	}
	return p.String()
}
