package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// named are this user's environments (XDG Base Directory Specification:
// XDG_STATE_HOME). The path is short, since Unix sockets lie below it.
func named(getenv func(string) string) rehearsal.Named {
	base := getenv("XDG_STATE_HOME")
	if base == "" {
		base = filepath.Join(getenv("HOME"), ".local", "state")
	}
	return rehearsal.Named{Dir: filepath.Join(base, "e6data")}
}

// upFlags are the flags of rehearse up beside those of its environment.
type upFlags struct {
	rehearsal.Config
	rehearsal.Artifacts
	name       string
	foreground bool
	keeper     bool
}

func rehearseUpCommand(getenv func(string) string) *cobra.Command {
	var o upFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Start an environment that stays, with the version published in it",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkEnvironment(&o.Config, &o.Artifacts); err != nil {
				return err
			}
			n := named(getenv)
			switch {
			case o.keeper:
				return keep(cmd.Context(), n, &o)
			case o.foreground:
				lock, err := n.Claim(o.name)
				if err != nil {
					return err
				}
				defer lock.Close()
				return n.Keep(cmd.Context(), o.name, o.Config, o.Artifacts, func(r *rehearsal.Record) {
					_ = tellUp(cmd.Context(), cmd.OutOrStdout(), n, r)
					fmt.Fprintln(cmd.OutOrStdout(), "\nCtrl-C ends it.")
				})
			}
			return up(cmd, n, &o, getenv)
		},
	}
	environmentFlags(c.Flags(), &o.Config, &o.Artifacts, getenv)
	nameFlag(c, &o.name)
	c.Flags().BoolVar(&o.foreground, "foreground", false, "stay attached; Ctrl-C ends it")
	c.Flags().BoolVar(&o.keeper, "keeper", false, "")
	_ = c.Flags().MarkHidden("keeper")
	return c
}

func nameFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "name", "default", "the environment's name")
}

// The keeper gets these files after the three standard ones: the lock, and a
// pipe on which it says that it is up.
const (
	lockFD  = 3
	readyFD = 4
)

// up starts the keeper as a process of its own session, so that it outlives
// this one and its terminal, and waits until it is up.
func up(cmd *cobra.Command, n rehearsal.Named, o *upFlags, getenv func(string) string) error {
	lock, err := n.Claim(o.name)
	if err != nil {
		return err
	}
	defer lock.Close()
	log, err := os.OpenFile(n.LogFile(o.name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ready, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	self, err := os.Executable()
	if err != nil {
		return errors.Join(err, tell.Close())
	}
	keeper := exec.Command(self, "rehearse", "up", "--keeper", "--name", o.name, "--region", o.Region, "--order-seed", o.Order, "--port", fmt.Sprint(o.Port), //nolint:gosec,noctx // this very program; it must outlive this context
		"--dist", absolute(o.Dir), "--python", absolute(o.Python), "--localkube", absolute(o.Localkube), "--karpenter", absolute(o.Karpenter),
		"--controllers", absolute(o.Controllers), "--launcher", absolute(o.Launcher))
	keeper.Dir = n.Dir
	keeper.Env = []string{} // nothing of the shell's: no profile, credentials or proxy
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_STATE_HOME"} {
		if value := getenv(name); value != "" {
			keeper.Env = append(keeper.Env, name+"="+value)
		}
	}
	keeper.Stdout, keeper.Stderr = log, log
	keeper.ExtraFiles = []*os.File{lock, tell}
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = keeper.Start()
	_ = tell.Close()
	if err != nil {
		return fmt.Errorf("start the environment's process: %w", err)
	}
	_ = lock.Close() // the keeper's now
	stop := context.AfterFunc(cmd.Context(), func() { _ = keeper.Process.Signal(syscall.SIGTERM) })
	said, _ := bufio.NewReader(ready).ReadString('\n')
	if !stop() || said == "" {
		_ = keeper.Wait()
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		text, _ := os.ReadFile(n.LogFile(o.name))
		return errors.New(strings.TrimPrefix(strings.TrimSpace(string(text)), "quickstart: "))
	}
	r, _, err := n.Open(o.name)
	if err != nil {
		return err
	}
	return tellUp(cmd.Context(), cmd.OutOrStdout(), n, r)
}

// absolute makes a path independent of the working directory; an empty one
// stays, and a bare command's name too.
func absolute(path string) string {
	if strings.Contains(path, "/") {
		if a, err := filepath.Abs(path); err == nil {
			return a
		}
	}
	return path
}

// keep is the keeper's life.
func keep(ctx context.Context, n rehearsal.Named, o *upFlags) error {
	syscall.CloseOnExec(lockFD) // the embedded AWS must not hold the lock when the keeper is gone
	syscall.CloseOnExec(readyFD)
	tell := os.NewFile(readyFD, "ready")
	return n.Keep(ctx, o.name, o.Config, o.Artifacts, func(*rehearsal.Record) {
		fmt.Fprintln(tell, "up")
		_ = tell.Close()
	})
}

func tellUp(ctx context.Context, out io.Writer, n rehearsal.Named, r *rehearsal.Record) error {
	env, err := rehearsal.Attach(filepath.Join(n.Dir, r.Name), r.Endpoint, r.Region)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "environment %q is up: version %s is published to s3://%s\n\n", r.Name, r.Version, r.Bucket)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range env.Variables("") {
		switch v[0] {
		case "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE":
			fmt.Fprintf(w, "  %s\t%s\n", v[0], v[1])
		}
	}
	template := rehearsal.TemplateURL(r.Region, r.Bucket, r.Version+"/quickstart.yaml")
	fmt.Fprintf(w, "  template\t%s\n  charts\ts3://%s/%s/charts\n", template, r.Bucket, r.Version)
	if err := w.Flush(); err != nil {
		return err
	}
	option := ""
	if r.Name != "default" {
		option = " --name " + r.Name
	}
	fmt.Fprintf(out, "\n  eval \"$(quickstart rehearse env%s)\"   for this shell: aws, cdk, and kubectl once there is a cluster\n", option)
	fmt.Fprintf(out, "  quickstart rehearse status              what runs\n  quickstart rehearse down%s              end it\n", option)
	return ctx.Err()
}

func rehearseStatusCommand(getenv func(string) string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the environments that stay: stacks, clusters, releases",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := statusOf(cmd.Context(), named(getenv))
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(all)
			}
			tellStatus(cmd.OutOrStdout(), all, time.Now())
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// statusRow is one environment; State is "running", "starting" or "died".
type statusRow struct {
	Name   string            `json:"name"`
	State  string            `json:"state"`
	Record *rehearsal.Record `json:"record,omitempty"`
	Status *rehearsal.Status `json:"status,omitempty"`
	Error  string            `json:"error,omitempty"`
}

func statusOf(ctx context.Context, n rehearsal.Named) ([]statusRow, error) {
	listed, err := n.List()
	if err != nil {
		return nil, err
	}
	rows := []statusRow{}
	for _, l := range listed {
		row := statusRow{Name: l.Name, State: "died"}
		if l.Running {
			row.State = "starting"
			if r, env, err := n.Open(l.Name); err == nil {
				row.State, row.Record = "running", r
				if row.Status, err = env.Status(ctx); err != nil {
					row.Error = err.Error()
				}
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func tellStatus(out io.Writer, rows []statusRow, now time.Time) {
	if len(rows) == 0 {
		fmt.Fprintln(out, "no environment is up; quickstart rehearse up starts one")
	}
	for _, r := range rows {
		switch r.State {
		case "died":
			fmt.Fprintf(out, "%s  died and left its folder; quickstart rehearse down --name %s removes it\n", r.Name, r.Name)
			continue
		case "starting":
			fmt.Fprintf(out, "%s  is starting\n", r.Name)
			continue
		}
		fmt.Fprintf(out, "%s  running for %s, %s, region %s, version %s, process %d\n",
			r.Name, now.Sub(r.Record.Since).Round(time.Second), r.Record.Endpoint, r.Record.Region, r.Record.Version, r.Record.PID)
		if r.Error != "" {
			fmt.Fprintf(out, "  does not answer: %s\n", r.Error)
			continue
		}
		for _, s := range r.Status.Stacks {
			fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  stack    %s  %s  %s", s.Name, s.Status, s.Reason), " "))
		}
		for _, k := range r.Status.Clusters {
			fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  cluster  %s  %s  %s", k.Name, k.Status, k.Kubeconfig), " "))
			for _, l := range k.Releases {
				fmt.Fprintf(out, "    release  %s  namespace %s, revision %d, %s\n", l.Name, l.Namespace, l.Revision, l.Status)
			}
		}
		if len(r.Status.Stacks)+len(r.Status.Clusters) == 0 {
			fmt.Fprintln(out, "  no stack, no cluster")
		}
	}
}

func rehearseEnvCommand(getenv func(string) string) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "env",
		Short: `Print what leads a shell's tools to the environment: eval "$(quickstart rehearse env)"`,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, env, err := named(getenv).Open(name)
			if err != nil {
				return err
			}
			status, err := env.Status(cmd.Context())
			if err != nil {
				return err
			}
			var files []string
			for _, k := range status.Clusters {
				if k.Kubeconfig != "" {
					files = append(files, k.Kubeconfig)
				}
			}
			for _, v := range env.Variables(strings.Join(files, ":")) {
				if v[1] == "" {
					fmt.Fprintf(cmd.OutOrStdout(), "unset %s\n", v[0])
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
				}
			}
			return nil
		},
	}
	nameFlag(c, &name)
	return c
}

func rehearseDownCommand(getenv func(string) string) *cobra.Command {
	var name string
	var keep bool
	c := &cobra.Command{
		Use:   "down",
		Short: "End an environment that stays, with all that runs in it",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kept, alive, err := named(getenv).Down(cmd.Context(), name, keep)
			if err != nil {
				return err
			}
			if alive {
				fmt.Fprintf(cmd.OutOrStdout(), "environment %q has ended\n", name)
			} else {
				fmt.Fprintf(cmd.OutOrStdout(), "environment %q had died; what it left is removed\n", name)
			}
			if kept != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "its folder is kept: %s\n", kept)
			}
			return nil
		},
	}
	nameFlag(c, &name)
	c.Flags().BoolVar(&keep, "keep", false, "keep the state folder, under a new name")
	return c
}
