package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
	"github.com/e6data/aws-quickstart/internal/quickcreate/quickcreatetest"
)

var screenshots = flag.Bool("screenshots", false, "take the pictures of the launch page in docs/images anew")

// page is the launch page in a browser.
type page struct {
	ctx context.Context // chromedp's tab is a context

	mu       sync.Mutex
	messages []string // what the browser's console has
}

// openPage opens the launch page at an address, in a window of that width.
func openPage(t *testing.T, address string, width int64) *page {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	profile, err := os.MkdirTemp("", "qb-") //nolint:usetesting // the browser may write to it after its end
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(browser), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.WSURLReadTimeout(2*time.Minute),
		// Nothing but this machine is asked for anything.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"))
	allocator, endBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, endTab := chromedp.NewContext(allocator)
	p := &page{ctx: ctx}
	t.Cleanup(func() {
		endTab()
		endBrowser()
		_ = os.RemoveAll(profile)
	})
	if err := chromedp.Run(ctx); err != nil { // the browser ends with this first call's context
		t.Fatal(err)
	}
	chromedp.ListenTarget(ctx, p.listen)
	p.do(t, log.Enable(), emulation.SetDeviceMetricsOverride(width, 900, 1, false), chromedp.Navigate(address), chromedp.WaitVisible("#p-WorkspaceName"))
	return p
}

func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.messages = append(p.messages, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		p.messages = append(p.messages, fmt.Sprint(e.Type))
	case *log.EventEntryAdded:
		p.messages = append(p.messages, e.Entry.Text+" "+e.Entry.URL)
	}
}

func (p *page) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 3*time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// evaluate is the value of an expression in the page.
func evaluate[T any](t *testing.T, p *page, expression string) T {
	t.Helper()
	var v T
	p.do(t, chromedp.Evaluate(expression, &v, func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }))
	return v
}

// quiet wants that the browser's console has nothing.
func (p *page) quiet(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.messages) > 0 {
		t.Errorf("the browser's console: %q", p.messages)
	}
}

func (p *page) choose(t *testing.T, mode string) {
	t.Helper()
	p.do(t, chromedp.Click(`[name=mode][value=`+mode+`]`))
}

// answer types into a question, or chooses.
func (p *page) answer(t *testing.T, answers map[string]string) {
	t.Helper()
	for name, text := range answers {
		p.do(t, chromedp.Evaluate(fmt.Sprintf(`{ const c = document.getElementById('p-%s'); c.value = %q;
			for (const e of ['input', 'change']) c.dispatchEvent(new Event(e)) }`, name, text), nil))
	}
}

// accessible has axe-core look at the page (WCAG 2.1, levels A and AA, and axe's
// best practices): labels, contrast, roles, order.
func (p *page) accessible(t *testing.T, state string) {
	t.Helper()
	p.do(t, chromedp.Evaluate(axeText(t), nil))
	type violation struct {
		ID    string
		Help  string
		Nodes []struct{ Target []string }
	}
	found := evaluate[[]violation](t, p, `axe.run().then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({Target: n.target.map(String)}))})))`)
	for _, v := range found {
		t.Errorf("%s: %s (%s): %v", state, v.Help, v.ID, v.Nodes)
	}
}

// site is the committed page, served as S3 does.
func site(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir("../../site")))
	t.Cleanup(s.Close)
	return s.URL + "/index.html"
}

func (p *page) picture(t *testing.T, name string) {
	t.Helper()
	if !*screenshots {
		return
	}
	var png []byte
	p.do(t, chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join("../../docs/images", name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each mode, on a desk and on a phone, in light and in dark, empty and with
// mistakes: everybody can read and use it, and the browser has nothing to say.
func TestTheLaunchPageIsAccessible(t *testing.T) {
	t.Parallel()
	for _, width := range []int64{1100, 360} {
		p := openPage(t, site(t), width)
		for _, mode := range contract.Modes() {
			for _, scheme := range []string{"light", "dark"} {
				state := fmt.Sprintf("%s, %d px, %s", mode, width, scheme)
				p.choose(t, mode)
				p.do(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
				p.accessible(t, state)
				p.answer(t, map[string]string{"WorkspaceName": "Not A Name"})
				p.do(t, chromedp.Evaluate(`for (const d of document.querySelectorAll('details')) d.open = true`, nil))
				p.accessible(t, state+", with mistakes, all open")
				p.answer(t, map[string]string{"WorkspaceName": ""})
				if over := evaluate[int](t, p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%s: the page is %d px too wide", state, over)
				}
			}
		}
		p.quiet(t)
	}
	// The checks can fail.
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile("../../site" + r.URL.Path)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", "text/css")
		}
		text = bytes.ReplaceAll(text, []byte(`<label for="region">Region</label>`), nil)
		_, _ = w.Write(bytes.ReplaceAll(text, []byte("start();\n"), []byte("start();\nnowhere();\n")))
	}))
	t.Cleanup(broken.Close)
	p := openPage(t, broken.URL+"/index.html", 1100)
	if found := evaluate[int](t, p, `(async () => { `+axeText(t)+`; return (await axe.run()).violations.length })()`); found == 0 {
		t.Error("a missing label was not seen")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.messages) == 0 {
		t.Error("a console error was not seen")
	}
}

// axeText is axe-core, as npm has it.
func axeText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Skipf("no axe-core (without npm it is not installed): %v", err)
	}
	return string(text)
}

// The page works from a folder too, with the keyboard alone: what is missing or
// wrong is said in the template's words, and the keyboard is taken there.
func TestTheLaunchPageByKeyboard(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs("../../site")
	if err != nil {
		t.Fatal(err)
	}
	p := openPage(t, "file://"+folder+"/index.html", 800)
	focused := func() string {
		return evaluate[string](t, p, `document.activeElement.id || document.activeElement.value || ''`)
	}
	press := func(key string, times int) {
		for range times {
			p.do(t, chromedp.KeyEvent(key))
		}
	}
	press(kb.Tab, 1)
	if got := focused(); got != "region" {
		t.Fatalf("Tab first leads to %q", got)
	}
	press(kb.Tab, 1)
	if got := focused(); got != contract.ModeNewVPC {
		t.Fatalf("Tab then leads to %q", got)
	}
	press(kb.ArrowDown, 2)
	if got := focused(); got != contract.ModeExistingEKS {
		t.Fatalf("the arrows lead to %q", got)
	}
	p.do(t, chromedp.Focus("#link"), chromedp.KeyEvent(kb.Enter))
	if got := focused(); got != "p-WorkspaceName" {
		t.Errorf("the unfinished link leads to %q", got)
	}
	if text := evaluate[string](t, p, `document.getElementById('problems').textContent`); strings.Count(text, "is needed") != 3 {
		t.Errorf("said: %s", text)
	}
	p.do(t, chromedp.KeyEvent("Alpha"), chromedp.KeyEvent(kb.Tab))
	said := evaluate[string](t, p, `document.getElementById('p-WorkspaceName-problem').textContent`)
	template, err := os.ReadFile("../../templates/existing-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if said == "" || !strings.Contains(string(template), said) {
		t.Errorf("not the template's sentence: %q", said)
	}
	if evaluate[bool](t, p, `document.getElementById('link').hasAttribute('href')`) {
		t.Error("there is a link with a mistake in it")
	}
	p.do(t, chromedp.Focus("#p-WorkspaceName"), chromedp.KeyEvent("a", chromedp.KeyModifiers(2)), chromedp.KeyEvent("alpha"),
		chromedp.Focus("#p-DataBucketNames"), chromedp.KeyEvent("one-lake, two-lake"),
		chromedp.Focus("#p-ExistingClusterName"), chromedp.KeyEvent("demo"),
		chromedp.Focus("#account"), chromedp.KeyEvent("111122223333"))
	if got, want := evaluate[string](t, p, `document.getElementById('command').textContent`), "eksctl create iamidentitymapping --cluster demo --region us-east-1 "+
		"--arn arn:aws:iam::111122223333:role/e6data-alpha-installer-us-east-1 --username 'e6data-alpha-installer-us-east-1' --group system:masters --no-duplicate-arns"; got != want {
		t.Errorf("the command for the administrator is\n%s, want\n%s", got, want)
	}
	want := url.Values{
		"templateURL": {"https://s3.us-east-1.amazonaws.com/e6data-quickstart-us-east-1/" + committedVersion(t) + "/templates/existing-eks.yaml"}, "stackName": {"e6data-alpha"},
		"param_WorkspaceName": {"alpha"}, "param_DataBucketNames": {"one-lake, two-lake"}, "param_ExistingClusterName": {"demo"},
	}
	if diff := cmp.Diff(want, p.link(t)); diff != "" {
		t.Errorf("the link (-want +got):\n%s", diff)
	}
	p.quiet(t)
}

func committedVersion(t *testing.T) string {
	t.Helper()
	version, err := os.ReadFile("../../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(version))
}

func formOf(t *testing.T, mode string) quickcreate.Form {
	t.Helper()
	text, err := os.ReadFile("../../" + contract.ModeTemplate(mode))
	if err != nil {
		t.Fatal(err)
	}
	form, err := quickcreate.ReadForm(text)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// link is what the page's link fills in.
func (p *page) link(t *testing.T) url.Values {
	t.Helper()
	return quickcreatetest.FilledIn(t, evaluate[string](t, p, `document.getElementById('link').href`))
}

// The page refuses of all answers what CloudFormation's rules refuse: the
// browser's regular expressions and Go's say the same of each.
func TestTheLaunchPageJudgesAsTheTemplateDoes(t *testing.T) {
	t.Parallel()
	p := openPage(t, site(t), 1100)
	tried := []string{
		"", " ", "a", "A", "alpha", "alpha,beta", "alpha, beta", "*", "a,*", "-a", "a-", "10.0.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "1.36", "ReadWrite", "Yes",
		"arn:aws:iam::111122223333:role/x", "arn:aws-cn:iam::111122223333:role/a/b", "https://x.test/y", "http://x.test:3128", "s3://bucket/charts", "oci://r.test/c",
		"use1-az3", "us-east-1e", "vpc-0123456789abcdef0", "subnet-0123456789abcdef0", "7", "0", "-1", "99999", "1e3", "key=value", "key=value,other=thing", strings.Repeat("x", 70), "ä", "a\u00a0b",
	}
	for _, mode := range contract.Modes() {
		p.choose(t, mode)
		text, err := json.Marshal(tried)
		if err != nil {
			t.Fatal(err)
		}
		got := evaluate[map[string][]string](t, p, `Object.fromEntries(parameters(mode()).map(p => [p.name, `+string(text)+
			`.filter(a => { answers[p.name] = a; const refused = problem(p); delete answers[p.name]; return refused })]))`)
		want := map[string][]string{}
		for _, q := range formOf(t, mode).Parameters() {
			want[q.Name] = []string{}
			for _, a := range tried {
				if q.Check(a) != nil || q.Default == nil && a == "" {
					want[q.Name] = append(want[q.Name], a)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mode %s: refused answers (-template +page):\n%s", mode, diff)
		}
	}
	p.quiet(t)
}

// A customer fills in the page and opens its link; the stack is created with
// what the link fills in, and nothing else.
func TestALaunchFromThePage(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	p := openPage(t, site(t), 1100)
	p.picture(t, "launch-page-empty.png")
	for range 2 { // answers stay when a mode is looked at
		p.choose(t, contract.ModeExistingVPC)
		p.choose(t, contract.ModeNewVPC)
		p.answer(t, d.parameters(nil))
	}
	p.picture(t, "launch-page.png")
	filled := p.link(t)
	parameters := map[string]string{}
	for key := range filled {
		if name, found := strings.CutPrefix(key, "param_"); found {
			parameters[name] = filled.Get(key)
		}
	}
	s := d.clients.NewStack(filled.Get("stackName"), filled.Get("templateURL"), logEvents(t))
	if err := s.Create(t.Context(), parameters); err != nil {
		t.Fatal(err)
	}
	checkOutputs(t, s)
	d.end(t, s, "quickstart.yaml", nil)
	p.quiet(t)
}
