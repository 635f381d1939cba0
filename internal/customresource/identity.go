package customresource

import "strings"

// markerPrefix begins the physical ID of a resource that was never made.
const markerPrefix = "never-created/"

// maxPhysicalID is CloudFormation's limit: 1 KB (crpg-ref-responses.html).
const maxPhysicalID = 1024

// markerID is the physical ID answered for a Create that failed before it made
// anything. CloudFormation sends a Delete for it; that Delete is answered
// SUCCESS without a look, else the rollback itself would fail.
func markerID(requestID string) string { return markerPrefix + requestID }

// isMarker tells whether an ID was made by markerID.
func isMarker(physicalID string) bool { return strings.HasPrefix(physicalID, markerPrefix) }
