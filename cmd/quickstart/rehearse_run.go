package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/rehearsal/display"
	"github.com/e6data/aws-quickstart/rehearsal/report"
)

// runFlags are the flags of rehearse run beside those of its environment.
type runFlags struct {
	rehearsal.RunOptions
	parameters, changes map[string]string
	fault, report       string
	clusterMode         string
	as                  []string
	plain, json         bool
}

func rehearseRunCommand(getenv func(string) string) *cobra.Command {
	var o runFlags
	c := &cobra.Command{
		Use:   "run",
		Short: "Create, update and delete the stack, and check that nothing is left",
		Long: `Create, update and delete the stack of a template, and check that nothing is left but what the template retains.

Exit codes: 0 green, 1 red, 2 a mistake on the command line, 130 interrupted.
With --fault: 0 if the planted fault was caught by the check that must find it, 1 if not.`,
		Example: `  quickstart rehearse run --order-seed custom-first
  quickstart rehearse run --fault missing-permission
  quickstart rehearse run --template my.yaml --parameter Name=x --change Name=y`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return rehearseRun(cmd, &o, getenv) },
	}
	f := c.Flags()
	environmentFlags(f, &o.Config, &o.Artifacts, getenv)
	f.StringVar(&o.Mode, "mode", contract.ModeNewVPC, strings.Join(contract.Modes(), ", "))
	f.StringVar(&o.clusterMode, "cluster-mode", string(ekstypes.AuthenticationModeConfigMap), "authentication mode of the customer's cluster, in the mode existing-eks: "+clusterModes())
	f.BoolVar(&o.Cluster.Karpenter, "own-karpenter", false, "give the customer's cluster a Karpenter of its own, with nodes at work, in the mode existing-eks")
	f.BoolVar(&o.Cluster.LoadBalancerController, "own-load-balancer-controller", false, "give it a load balancer controller of its own, with an Ingress at work")
	f.StringVar(&o.TemplateFile, "template", "", "template of your own, in place of the mode's")
	f.StringToStringVar(&o.parameters, "parameter", nil, "template parameter NAME=VALUE for the create (repeatable)")
	f.StringToStringVar(&o.changes, "change", nil, "template parameter NAME=VALUE for the update (repeatable)")
	f.StringVar(&o.Charts, "charts", rehearsal.ChartsStandIn, "stand-in, or public: the real charts, which need the internet")
	f.StringVar(&o.fault, "fault", "", "plant a fault that the rehearsal must find: "+strings.Join(rehearsal.FaultKinds(), ", "))
	f.StringArrayVar(&o.as, "as", nil, "deploy as a role with the policy in this file and no other (repeatable)")
	f.BoolVar(&o.NoUpdate, "no-update", false, "leave the update out")
	f.BoolVar(&o.NoDelete, "no-delete", false, "leave the delete and the leftover check out")
	f.BoolVar(&o.Keep, "keep", false, "keep the state folder with all logs")
	f.StringVar(&o.StateDir, "state", "", "state folder with a short path, empty or not there (default: a new temporary one)")
	f.StringVar(&o.report, "report", "", "file for the report, - for none (default: a new one in reports/ beside --dist)")
	f.BoolVar(&o.json, "json", false, "write the record as JSON to the standard output, everything else to the standard error")
	f.BoolVar(&o.plain, "plain", false, "line by line, also on a terminal (the default with $CI)")
	return c
}

func rehearseRun(cmd *cobra.Command, o *runFlags, getenv func(string) string) error {
	if err := o.prepare(cmd.Flags().Changed("mode")); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if o.json {
		out = cmd.ErrOrStderr()
	}
	closeDisplay := func() {}
	o.Observer = rehearsal.Plain{Output: out}
	if file, ok := out.(*os.File); ok && !o.plain && display.Suits(file, getenv) {
		live := display.Start(file, display.Header{Version: o.Version, Region: o.Region, What: o.what()}, getenv("NO_COLOR") == "")
		o.Observer, closeDisplay = live, live.Stop
	}
	result, runErr := rehearsal.Run(cmd.Context(), o.RunOptions)
	closeDisplay()
	if runErr != nil && cmd.Context().Err() != nil {
		return runErr // interrupted: there is nothing to report on
	}
	r := report.New(result, runErr)
	fmt.Fprint(out, r.Text())
	if o.json {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return errors.Join(runErr, o.writeReport(r, out))
}

// what names what is run, for people.
func (o *runFlags) what() string {
	switch {
	case o.Fault != nil:
		return "fault " + o.Fault.Kind
	case o.TemplateFile != "":
		return filepath.Base(o.TemplateFile)
	}
	return o.Mode
}

// prepare refuses what the flags must not say, and completes the options.
func (o *runFlags) prepare(modeGiven bool) error {
	if err := checkEnvironment(&o.Config, &o.Artifacts); err != nil {
		return err
	}
	if o.Charts != rehearsal.ChartsStandIn && o.Charts != rehearsal.ChartsPublic {
		return usageError{fmt.Errorf("charts %q: want %s or %s", o.Charts, rehearsal.ChartsStandIn, rehearsal.ChartsPublic)}
	}
	if err := o.prepareCluster(); err != nil {
		return err
	}
	var err error
	if o.fault != "" {
		if o.Fault, err = rehearsal.FindFault(o.fault); err != nil {
			return usageError{err}
		}
		if o.NoDelete && o.fault == "leftover" {
			return usageError{errors.New("--no-delete leaves out the check that must find the fault leftover")}
		}
	}
	for _, file := range o.as {
		document, err := os.ReadFile(file)
		if err != nil {
			return usageError{fmt.Errorf("read the deployer's policy: %w", err)}
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		o.Deployer = append(o.Deployer, rehearsal.Policy{Name: name, Document: string(document)})
	}
	if o.Parameters, o.Changes, err = o.samples(modeGiven); err != nil {
		return err
	}
	maps.Copy(o.Parameters, o.parameters)
	maps.Copy(o.Changes, o.changes)
	return nil
}

// prepareCluster refuses settings of a customer's cluster that cannot be, and
// those that nothing would read.
func (o *runFlags) prepareCluster() error {
	o.Cluster.Mode = ekstypes.AuthenticationMode(o.clusterMode)
	if !slices.Contains(o.Cluster.Mode.Values(), o.Cluster.Mode) {
		return usageError{fmt.Errorf("cluster mode %q: want %s", o.clusterMode, clusterModes())}
	}
	described := o.Cluster.Karpenter || o.Cluster.LoadBalancerController || o.Cluster.Mode != ekstypes.AuthenticationModeConfigMap
	if described && (o.Mode != contract.ModeExistingEKS || o.TemplateFile != "") {
		return usageError{fmt.Errorf("--cluster-mode, --own-karpenter and --own-load-balancer-controller describe the customer's cluster of --mode %s", contract.ModeExistingEKS)}
	}
	return nil
}

// clusterModes are EKS's authentication modes, for people.
func clusterModes() string {
	return strings.Join([]string{
		string(ekstypes.AuthenticationModeConfigMap), string(ekstypes.AuthenticationModeApiAndConfigMap), string(ekstypes.AuthenticationModeApi),
	}, ", ")
}

// samples are the parameters to which the flags' are added: all of them for a
// mode, and for a template of the caller's own those that it has.
func (o *runFlags) samples(modeGiven bool) (parameters, changes map[string]string, err error) {
	if o.TemplateFile == "" {
		_, err := o.ModeTemplate(o.Mode)
		if err != nil {
			err = usageError{err}
		}
		return sampleParameters(), sampleChanges(), err
	}
	if modeGiven {
		return nil, nil, usageError{errors.New("--template and --mode exclude each other")}
	}
	o.Mode = ""
	text, err := os.ReadFile(o.TemplateFile)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("read the template: %w", err)}
	}
	t, err := rehearsal.ParseTemplate(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.TemplateFile, err)
	}
	parameters = sampleParameters()
	maps.DeleteFunc(parameters, func(name, _ string) bool { return t.Parameters[name] == nil })
	if len(o.changes) == 0 {
		o.NoUpdate = true // an update without a change is none
	}
	return parameters, map[string]string{}, nil
}

// writeReport writes the HTML report and says where it is.
func (o *runFlags) writeReport(r *report.Report, out io.Writer) error {
	file := o.report
	switch file {
	case "-":
		return nil
	case "":
		file = filepath.Join(filepath.Dir(o.Dir), "reports", "rehearsal-"+r.Began.Format("20060102-150405.000")+".html")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("make the folder of the report: %w", err)
		}
		defer removeOldReports(filepath.Dir(file))
	}
	page, err := r.HTML()
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	fmt.Fprintf(out, "%-12s  %s\n", "report", file)
	return nil
}

// mostReports are kept in the default folder: the newest.
const mostReports = 20

func removeOldReports(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "rehearsal-*.html"))
	slices.Sort(files) // by their time, which is their name
	for _, file := range files[:max(0, len(files)-mostReports)] {
		_ = os.Remove(file) //nolint:gosec // G703: reports of this command, in the folder that its user names
	}
}
