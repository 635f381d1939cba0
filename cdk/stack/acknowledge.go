package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// Acknowledge silences the findings of the CDK's template checks that are not
// true of these templates, each with the reason.
func Acknowledge(app awscdk.App) {
	const (
		emptyDefault = "the default is empty, and Fn::If puts AWS::NoValue in its place"
		textPort     = "what Fn::Select takes out of a text is text, which CloudFormation takes as a number here"
		policyText   = "the policy is one JSON text, since the cluster's name is part of a key, and CloudFormation takes that as an object"
		optionalZone = "the reference stands inside Fn::If of the very condition that its target has"
	)
	awscdk.Validations_Of(app).Acknowledge(
		&awscdk.Acknowledgment{Id: text("CloudFormation-Validate::F3031"), Reason: text(emptyDefault)},
		&awscdk.Acknowledgment{Id: text("CloudFormation-Validate::F3033"), Reason: text(emptyDefault)},
		&awscdk.Acknowledgment{Id: text("CloudFormation-Validate::W9003"), Reason: text(textPort)},
		&awscdk.Acknowledgment{Id: text("CloudFormation-Validate::E3510"), Reason: text(policyText)},
		&awscdk.Acknowledgment{Id: text("CloudFormation-Validate::W1001"), Reason: text(optionalZone)},
	)
}
