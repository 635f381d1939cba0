// Package charts holds the Helm charts that are ours. The helminstaller
// function carries them in its binary and installs them as "builtin:" charts.
package charts

import "embed"

// FS has one folder for each chart, named as the chart.
//
//go:embed all:nodepool
var FS embed.FS
