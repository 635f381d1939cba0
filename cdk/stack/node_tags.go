package stack

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// The customer's tags (NodeTags: key=value,key=value) for what the stack's own
// tags do not reach: what Karpenter and the node group launch, and what the
// cluster's controllers make. A launch template wants them one by one, so each
// has a place and a condition.

const (
	hasNodeTags   = "HasNodeTags"
	nodeTagPlaces = 10 // as many as the parameter's pattern takes
	noTag         = "="
)

// nodeTagCondition says that there is a tag in this place, and that it is none
// that every node has: two of one key are refused.
func nodeTagCondition(place int) string { return fmt.Sprintf("HasNodeTag%d", place+1) }

// addNodeTagConditions are the conditions of a launch template's tags.
func addNodeTagConditions(s awscdk.Stack) {
	for i := range nodeTagPlaces {
		condition(s, nodeTagCondition(i), awscdk.Fn_ConditionNot(awscdk.Fn_ConditionOr(
			equals(nodeTagPart(i, 0), ""), equals(nodeTagPart(i, 0), "app"), equals(nodeTagPart(i, 0), "Name"))))
	}
}

// nodeTag is the tag in this place. Places that are not taken hold noTag, and
// without any tag the first is empty.
func nodeTag(place int) *string {
	return pick(place, ",", join("", ref("NodeTags"), text(strings.Repeat(","+noTag, nodeTagPlaces))))
}

// nodeTagPart is key (0) or value (1) of the tag in this place.
func nodeTagPart(place, part int) *string {
	return pick(part, "=", join("", nodeTag(place), text("=")))
}

// withNodeTags are tags of a launch template's resources: e6data's own, and the
// customer's.
func withNodeTags(own ...*awscdk.CfnTag) []any {
	tags := make([]any, 0, len(own)+nodeTagPlaces)
	for _, t := range own {
		tags = append(tags, map[string]any{"Key": t.Key, "Value": t.Value})
	}
	for i := range nodeTagPlaces {
		tags = append(tags, onlyIf(nodeTagCondition(i), map[string]any{"Key": nodeTagPart(i, 0), "Value": nodeTagPart(i, 1)}))
	}
	return tags
}

// nodeTagsObject are the tags as a JSON object, {"key":"value",...}.
func nodeTagsObject() *string {
	return eitherText(hasNodeTags, join("", text("{"), nodeTagPairs(), text("}")), text("{}"))
}

// nodeTagsWith are the tags as a JSON object with one of e6data's own. It stands
// last: of two members of one name the last one counts.
func nodeTagsWith(key, value string) *string {
	own := `"` + key + `":"` + value + `"}`
	return eitherText(hasNodeTags, join("", text("{"), nodeTagPairs(), text(","+own)), text("{"+own))
}

// nodeTagPairs are the tags as members of a JSON object.
func nodeTagPairs() *string {
	pairs := joinList(`":"`, split("=", joinList(`","`, split(",", ref("NodeTags")))))
	return join("", text(`"`), pairs, text(`"`))
}
