package contract

// OidcProvider are the properties of Custom::OidcProvider: the IAM OIDC provider
// for the issuer of a cluster's service account tokens. Ref is its ARN.
type OidcProvider struct {
	// Issuer is the https URL of the cluster's issuer.
	Issuer string `json:"Issuer"`
	// WorkspaceName says in the provider's tags who uses it.
	WorkspaceName string `json:"WorkspaceName"`
}

// OidcProviderData is what Fn::GetAtt can read from a Custom::OidcProvider.
type OidcProviderData struct {
	Arn string `json:"Arn"`
}

// Tags of an OIDC provider that a stack made. One without MadeByTag is the
// customer's, and is never changed.
const (
	// MadeByTag has the UUID of the stack that made the provider, the last part
	// of its ARN.
	MadeByTag = "quickstart.e6data.com/made-by"
	// UsedByTag, with a stack's UUID behind it, has the name of the workspace
	// that uses the provider.
	UsedByTag = "quickstart.e6data.com/used-by/"
	// LeavingTag, with a stack's UUID behind it, has the time (RFC 3339) at
	// which that stack began to leave the provider, and perhaps to delete it.
	LeavingTag = "quickstart.e6data.com/leaving/"
)
