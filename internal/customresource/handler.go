// Package customresource speaks the CloudFormation custom-resource protocol,
// once, for every function of the product: it decodes the request, runs the
// handler of the resource type, and answers the request whatever happens.
//
// A function registers its handlers and gives Mux.Invoke to the Lambda runtime:
//
//	m := customresource.NewMux(customresource.Options{})
//	customresource.Register(m, contract.TypeNetworkPlan, networkPlan{...})
//	lambda.Start(m.Invoke)
//
// AWS's side of the protocol is described in the CloudFormation User Guide:
// crpg-ref-requests.html (request objects), crpg-ref-responses.html (response
// objects: at most 4,096 bytes, a non-empty physical ID of at most 1 KB) and
// crpg-ref-requesttypes.html.
package customresource

import "context"

// RequestType is what CloudFormation asks for.
type RequestType string

// The three request types of the protocol.
const (
	Create RequestType = "Create"
	Update RequestType = "Update"
	Delete RequestType = "Delete"
)

// Request is one event, decoded. P is the resource's property struct; its
// fields are named by their json tags.
type Request[P any] struct {
	Type RequestType
	// RequestID is the same when CloudFormation or Lambda sends an event twice.
	RequestID string
	// StackID is the ARN of the stack.
	StackID string
	// LogicalID is the resource's name in the template.
	LogicalID string
	// ResourceType is "Custom::NAME".
	ResourceType string
	// PhysicalID is what an earlier answer named; empty on Create.
	PhysicalID string
	// Props are the properties. On Create and Update they were read strictly:
	// every required property is there, no unknown one is, every scalar parses.
	// On Delete they are the zero value when they could not be read, so Delete
	// has to work from PhysicalID.
	Props P
	// OldProps are the properties before an Update; the zero value when they
	// could not be read (an older version of the template may have made them).
	OldProps P
}

// Response is a handler's answer to Create and Update. D is what Fn::GetAtt can
// read: a struct or a map that marshals to a JSON object.
type Response[D any] struct {
	// PhysicalID names what was made: at most 1,024 bytes. A different one on
	// Update makes CloudFormation delete the old one afterwards. Empty on
	// Update keeps the old one. It may be set together with an error when
	// something was half made, so that the Delete that follows can find it.
	PhysicalID string
	// Data is sent with success only. Numbers and booleans are sent as text,
	// the form in which a template uses them; null fields are left out.
	Data D
	// NoEcho masks Data wherever CloudFormation shows it.
	NoEcho bool
}

// Handler manages one resource type. Its methods may be called again with the
// same request, so they look at what there is and not at what they remember.
// They return soon after ctx ends; ctx ends early enough to answer.
type Handler[P, D any] interface {
	Create(ctx context.Context, r Request[P]) (Response[D], error)
	Update(ctx context.Context, r Request[P]) (Response[D], error)
	// Delete removes what PhysicalID names. What is absent already is success.
	Delete(ctx context.Context, r Request[P]) error
	// Owns tells whether a physical ID is one that this handler makes. Delete
	// is not called for any other: it is answered SUCCESS, since nothing of
	// ours can stand behind it. Update of any other becomes a Create. So Owns
	// should say yes to every ID of the handler's kind, of older and newer
	// versions too, readable or not.
	Owns(physicalID string) bool
}

// Identifier is what a handler may implement besides Handler when it can tell,
// before it starts, the physical ID that a Create or Update will have. That ID
// is then answered when the method panics or runs over its time, so that the
// Delete that follows finds what was half made. Empty means: not known.
type Identifier[P any] interface {
	Identify(r Request[P]) (physicalID string)
}
