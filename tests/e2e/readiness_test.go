package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// A chart whose pod never gets ready fails the stack, and the reason tells the
// pod, its state and its last event.
func TestAChartThatNeverGetsReadyFailsTheStack(t *testing.T) {
	t.Parallel()
	faults := []struct{ fault, state, event string }{
		{"NeverReady", "not ready", "Unhealthy"},
		{"CrashLoopBackOff", "CrashLoopBackOff", "BackOff"},
		{"ImagePullBackOff", "ImagePull", "image"},
	}
	for _, f := range sample(t, faults, 1) {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			key := "faulty/" + f.fault
			d.publishCharts(t, key, charts.Options{KarpenterCharts: os.Getenv("REHEARSAL_KARPENTER_CHARTS"), Values: faultyWorkspace(f.fault)})
			s := d.changed(t, "faulty", impatient)
			failed := mustFail(t, s, d.parameters(map[string]string{"ChartSource": "s3://" + d.bucket + "/" + key}))
			reason := failed.Error()
			for _, part := range []string{"pod ", f.state, f.event} {
				if !strings.Contains(reason, part) {
					t.Errorf("the reason does not have %q: %s", part, reason)
				}
			}
			remove(t, s)
			if left := d.leftovers(t); len(left) > 0 {
				t.Errorf("the rolled-back create left %v", left)
			}
		})
	}
}

// publishCharts packages stand-in charts and uploads them under a prefix.
func (d *deployment) publishCharts(t *testing.T, prefix string, o charts.Options) {
	t.Helper()
	dir := t.TempDir()
	if _, err := charts.Package(dir, o); err != nil {
		t.Fatal(err)
	}
	d.uploadAll(t, d.bucket, rehearsal.Artifacts{Dir: dir, Version: prefix})
}

// uploadAll puts every file of a folder into a bucket that is there.
func (d *deployment) uploadAll(t *testing.T, bucket string, a rehearsal.Artifacts) {
	t.Helper()
	if err := d.clients.UploadAll(t.Context(), bucket, a); err != nil {
		t.Fatal(err)
	}
}

// faultyWorkspace are defaults of the stand-in workspace chart with a
// Deployment that plays a fault.
func faultyWorkspace(fault string) map[string]map[string]any {
	return map[string]map[string]any{charts.Workspace: {"rehearsal": map[string]any{"deployment": map[string]any{
		"enabled": true, "podAnnotations": map[string]any{"rehearsal.e6data.com/fault": fault},
	}}}}
}
