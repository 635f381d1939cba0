package controlplane

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	cmapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	cmoptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	schedapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	schedoptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// With the usual client limits, a service account for each controller makes the
// start five seconds slower.
const unhurried = "--kube-api-qps=2000"

// RunControllerManager runs the controller manager until ctx ends or it fails.
// It finds its kubeconfig and keys in dir.
func RunControllerManager(ctx context.Context, dir string) error {
	o, err := cmoptions.NewKubeControllerManagerOptions()
	if err != nil {
		return fmt.Errorf("make the controller manager's options: %w", err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	known, off, aliases := cmapp.KnownControllers(), cmapp.ControllersDisabledByDefault(), cmapp.ControllerAliases()
	err = parse("kube-controller-manager", o.Flags(known, off, aliases), []string{
		"--kubeconfig=" + file("controller-manager.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + file("sa.key"),
		"--root-ca-file=" + file("ca.crt"),
		"--cluster-signing-cert-file=" + file("ca.crt"),
		"--cluster-signing-key-file=" + file("ca.key"),
		"--allocate-node-cidrs=false",
		unhurried, "--kube-api-burst=2000",
		"--node-monitor-period=1s",
		// By default it creates a directory below /usr/libexec.
		"--flex-volume-plugin-dir=" + file("flexvolume"),
		"--profiling=false",
	})
	if err != nil {
		return err
	}
	c, err := o.Config(ctx, known, off, aliases)
	if err != nil {
		return fmt.Errorf("configure the controller manager: %w", err)
	}
	if err := cmapp.Run(ctx, c.Complete()); err != nil {
		return fmt.Errorf("run the controller manager: %w", err)
	}
	return nil
}

// RunScheduler runs the scheduler until ctx ends or it fails. It finds its
// kubeconfig in dir.
func RunScheduler(ctx context.Context, dir string) error {
	o := schedoptions.NewOptions()
	err := parse("kube-scheduler", *o.Flags, []string{
		"--kubeconfig=" + filepath.Join(dir, "scheduler.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--profiling=false",
		unhurried, "--kube-api-burst=2000",
	})
	if err != nil {
		return err
	}
	c, scheduler, err := schedapp.Setup(ctx, o)
	if err != nil {
		return fmt.Errorf("set up the scheduler: %w", err)
	}
	if err := schedapp.Run(ctx, c, scheduler); err != nil {
		return fmt.Errorf("run the scheduler: %w", err)
	}
	return nil
}

// parse reads args into the flag sets of a component.
func parse(component string, sets cliflag.NamedFlagSets, args []string) error {
	fs := pflag.NewFlagSet(component, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, f := range sets.FlagSets {
		fs.AddFlagSet(f)
	}
	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("set the flags of %s: %w", component, err)
	}
	return nil
}
