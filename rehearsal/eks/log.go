package main

import (
	"flag"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// logTo sends the log of all components, and ours, to one file.
func logTo(file string, verbosity int) error {
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	for name, value := range map[string]string{
		"logtostderr":     "false",
		"alsologtostderr": "false",
		"stderrthreshold": "FATAL",
		"one_output":      "true",
		"log_file":        file,
		"v":               strconv.Itoa(verbosity),
	} {
		if err := fs.Set(name, value); err != nil {
			return fmt.Errorf("configure the log: %w", err)
		}
	}
	slog.SetDefault(slog.New(logr.ToSlogHandler(klog.Background())))
	return nil
}
