package diagnose

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// File is one file of the archive.
type File struct {
	Name string
	Text []byte
}

// SummaryName is the file to read first.
const SummaryName = "SUMMARY.md"

// Files turns what was read into the archive's files, redacted, the summary
// first. It does no I/O; the same facts give the same files.
func Files(f *Facts, maskAccount bool) ([]File, error) {
	b := builder{redactor: NewRedactor(told(f), maskAccount)}
	// Before anything is cut or put on one line: a secret cut in two would no
	// longer look like one.
	f, err := b.redactor.Facts(f)
	if err != nil {
		return nil, err
	}
	v := Judge(f)
	b.text(SummaryName, Summary(f, &v))
	b.text("stack/events.txt", eventsTable(f))
	b.text("stack/resources.txt", resourcesTable(f))
	b.json("stack/stacks.json", f.Stacks)
	for _, l := range f.Logs {
		b.text("logs/"+fileName(l.Group)+"/"+fileName(l.Stream)+".log", logText(l))
	}
	if f.Functions != nil {
		b.json("functions.json", f.Functions)
	}
	if f.Cluster != nil {
		b.json("cluster/eks.json", f.Cluster)
	}
	if k := f.Kubernetes; k != nil {
		b.json("kubernetes/releases.json", k.Releases)
		b.json("kubernetes/pods.json", k.Pods)
		b.json("kubernetes/warnings.json", k.Warnings)
		b.json("kubernetes/nodes.json", k.Nodes)
		b.json("kubernetes/nodeclaims.json", k.NodeClaims)
		for _, l := range k.Logs {
			b.text(podLogName(l), strings.Join(l.Lines, "\n")+"\n")
		}
	}
	if f.Quotas != nil {
		b.json("quotas.json", f.Quotas)
	}
	b.json("facts/gaps.json", f.Gaps)
	b.json("facts/asked.json", f.Asked)
	return b.files, b.err
}

// Write packs files into a zip with the names below folder: the same files give
// the same bytes.
func Write(w io.Writer, folder string, files []File) error {
	entries := make([]artifact.Entry, 0, len(files))
	for _, f := range files {
		entries = append(entries, artifact.Entry{Name: path.Join(folder, f.Name), Mode: 0o644, Content: bytes.NewReader(f.Text)})
	}
	return artifact.WriteZip(w, entries...)
}

// told are the secrets whose texts are known. The external ID that a stack makes
// for itself is the end of its own ID (ADR 18), so that goes everywhere too.
func told(f *Facts) (all []string) {
	for _, s := range f.Stacks {
		for _, pairs := range [][]Pair{s.Parameters, s.Outputs, s.Tags} {
			for _, p := range pairs {
				if isSecret(p.Key) {
					all = append(all, p.Value)
				}
			}
		}
		all = append(all, stackUUID(s.ID))
	}
	for _, e := range f.Events {
		all = append(all, stackUUID(e.StackID))
	}
	return append(all, stackUUID(f.Asked.Stack))
}

// stackUUID is the end of a stack's ID; empty if it is none.
func stackUUID(id string) string {
	a, err := arn.Parse(id)
	if err != nil || a.Service != "cloudformation" {
		return ""
	}
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 3 {
		return ""
	}
	return parts[2]
}

type builder struct {
	redactor *Redactor
	files    []File
	err      error
}

func (b *builder) add(name, text string) {
	b.files = append(b.files, File{b.redactor.Account(b.redactor.Text(name)), []byte(b.redactor.Account(text))})
}

func (b *builder) text(name, text string) { b.add(name, b.redactor.Text(text)) }

func (b *builder) json(name string, v any) {
	plain, err := b.redactor.Value(v)
	if err != nil {
		b.err = cmp.Or(b.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(plain); err != nil {
		b.err = cmp.Or(b.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	b.add(name, out.String())
}

func eventsTable(f *Facts) string {
	return table(func(row func(...string)) {
		row("TIME", "STACK", "RESOURCE", "TYPE", "STATUS", "REASON")
		for _, e := range f.Events {
			row(e.At.UTC().Format(time.RFC3339), e.Stack, e.LogicalID, e.Type, e.Status, e.Reason)
		}
	})
}

func resourcesTable(f *Facts) string {
	return table(func(row func(...string)) {
		row("STACK", "RESOURCE", "TYPE", "STATUS", "PHYSICAL ID", "REASON")
		for _, s := range f.Stacks {
			for _, r := range s.Resources {
				row(r.Stack, r.LogicalID, r.Type, r.Status, r.PhysicalID, r.Reason)
			}
		}
	})
}

// table aligns rows, each on one line.
func table(fill func(row func(...string))) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fill(func(cells ...string) {
		for i, c := range cells {
			cells[i] = oneLine(c)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	})
	_ = w.Flush() // into memory
	return b.String()
}

func logText(l Log) string {
	var b strings.Builder
	if l.Cut {
		b.WriteString("(older lines were left out)\n")
	}
	for _, line := range l.Lines {
		b.WriteString(strings.TrimRight(line.Text, "\n") + "\n")
	}
	return b.String()
}

func podLogName(l PodLog) string {
	end := ".log"
	if l.Previous {
		end = ".previous.log"
	}
	return "kubernetes/logs/" + fileName(l.Namespace) + "/" + fileName(l.Pod) + "." + fileName(l.Container) + end
}

var strange = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName is a name that every file system takes, in one part.
func fileName(s string) string {
	return cmp.Or(strings.Trim(strange.ReplaceAllString(s, "_"), "._"), "_")
}
