package rehearsal

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// parts are the versions of what a run is made of, as far as they are known at
// its start.
func (r *run) parts() []Part {
	parts := []Part{{"driver", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}}
	requirements, _ := os.ReadFile(filepath.Join(filepath.Dir(r.Launcher), "requirements.txt"))
	for line := range strings.Lines(string(requirements)) {
		if version, ok := strings.CutPrefix(line, "ministack=="); ok {
			version, _, _ = strings.Cut(version, " ")
			parts = append(parts, Part{"embedded AWS (MiniStack)", version})
		}
	}
	charts, _ := filepath.Glob(filepath.Join(r.Dir, "charts", "*.tgz"))
	if r.Charts == ChartsPublic {
		charts = nil
	}
	for _, c := range charts {
		name := strings.TrimSuffix(filepath.Base(c), ".tgz")
		if i := strings.LastIndex(name, "-"); i > 0 {
			parts = append(parts, Part{"stand-in chart " + name[:i], name[i+1:]})
		}
	}
	return parts
}

// setPart adds a part's version when it becomes known.
func (r *run) setPart(name, version string) {
	if p := (Part{name, version}); !slices.Contains(r.result.Parts, p) {
		r.result.Parts = append(r.result.Parts, p)
	}
}

func (e *Environment) kubernetesVersion(cluster string) (string, error) {
	kube, err := e.kube(cluster)
	if err != nil {
		return "", err
	}
	v, err := kube.Discovery().ServerVersion()
	if err != nil {
		return "", err
	}
	return v.GitVersion, nil
}
