package awserror

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
)

func TestWhatAnErrorIsAbout(t *testing.T) {
	call := func(service, operation string, err error) error {
		return fmt.Errorf("read: %w", &smithy.OperationError{ServiceID: service, OperationName: operation, Err: err})
	}
	for name, c := range map[string]struct {
		err          error
		action, text string
		denied       bool
	}{
		"a missing right": {
			call("EKS", "DescribeCluster", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}),
			"eks:DescribeCluster", "AccessDeniedException: no", true,
		},
		"EC2's word for it": {
			call("EC2", "DescribeVpcs", &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}),
			"ec2:DescribeVpcs", "UnauthorizedOperation: no", true,
		},
		"something else": {
			call("CloudWatch Logs", "GetLogEvents", &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "gone"}),
			"logs:GetLogEvents", "ResourceNotFoundException: gone", false,
		},
		"no call": {errors.New("no route"), "", "no route", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Action(c.err); got != c.action {
				t.Errorf("action %q, want %q", got, c.action)
			}
			if got := Text(c.err); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
			if got := Denied(c.err); got != c.denied {
				t.Errorf("denied %v, want %v", got, c.denied)
			}
		})
	}
}
