// Package awserror tells what an error of an AWS call is about: its code, and
// the IAM action that was missing.
package awserror

import (
	"errors"
	"slices"

	"github.com/aws/smithy-go"
)

// prefixes are the IAM prefixes of services, by the SDK's names (Service
// Authorization Reference, "Actions, resources, and condition keys").
var prefixes = map[string]string{
	"CloudFormation": "cloudformation", "CloudWatch Logs": "logs", "EC2": "ec2", "EKS": "eks", "IAM": "iam", "KMS": "kms", "Lambda": "lambda",
	"S3": "s3", "Service Quotas": "servicequotas", "STS": "sts",
}

// Action is the IAM action of the call that failed, such as eks:DescribeCluster;
// empty if err is not of an AWS call.
func Action(err error) string {
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return ""
	}
	return prefixes[op.Service()] + ":" + op.Operation()
}

// Text is what AWS answered, code and message, without the SDK's words about
// the request; any other error's own text.
func Text(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// HasCode tells whether AWS answered with one of these error codes.
func HasCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

// Denied tells whether a right was missing: each service has its own word.
func Denied(err error) bool {
	return HasCode(err, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "NotAuthorized", "AuthFailure")
}
