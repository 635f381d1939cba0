package customresource

import "regexp"

// LogPlace is where in CloudWatch Logs a function tells of one request. Stream
// and Request may be empty.
type LogPlace struct{ Group, Stream, Request string }

// String is the end of a reason; empty if there is no group.
func (p LogPlace) String() string {
	if p.Group == "" {
		return ""
	}
	place := " (full log: CloudWatch log group " + p.Group
	if p.Stream != "" {
		place += ", stream " + p.Stream
	}
	if p.Request != "" {
		place += ", request " + p.Request
	}
	return place + ")"
}

// None of the names has a comma or a parenthesis (CreateLogGroup,
// CreateLogStream: a stream's may; Lambda's do not).
var logPlaceEnd = regexp.MustCompile(`\(full log: CloudWatch log group ([^,()]+)(?:, stream ([^,()]+))?(?:, request ([^,()]+))?\)`)

// FindLogPlace finds the place that a reason names, wherever it stands in it:
// CloudFormation may add to the end.
func FindLogPlace(reason string) (LogPlace, bool) {
	m := logPlaceEnd.FindStringSubmatch(reason)
	if m == nil {
		return LogPlace{}, false
	}
	return LogPlace{Group: m[1], Stream: m[2], Request: m[3]}, true
}
