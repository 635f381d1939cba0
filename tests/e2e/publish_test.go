package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aead.dev/minisign"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/publish"
	"github.com/e6data/aws-quickstart/internal/quickcreate/quickcreatetest"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// publishedRegions are where these tests publish.
var publishedRegions = []string{"us-east-1", "eu-west-1", "ap-south-1"}

// stagedDir is the folder of staged; empty until that is asked for.
var stagedDir string

// staged is the version of this tree, built once for all tests: its folder, and
// an error.
var staged = sync.OnceValues(func() (string, error) {
	var err error
	if stagedDir, err = os.MkdirTemp("", "staged-"); err != nil {
		return "", err
	}
	_, err = publish.Stage(context.Background(), "../..", stagedDir)
	return stagedDir, err
})

// TestMain removes what was staged, after the last test that uses it.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(os.RemoveAll(stagedDir), os.RemoveAll(bundledDir)); err != nil {
		code = 1
	}
	os.Exit(code)
}

func stagedVersion(t *testing.T) string {
	t.Helper()
	dir, err := staged()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// s3In is a client of a region.
func (d *deployment) s3In(region string) *s3.Client {
	c := d.AWSConfig()
	c.Region = region
	return s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
}

// makeBucket makes a publisher's bucket in a region.
func (d *deployment) makeBucket(t *testing.T, name, region string, versioned bool) {
	t.Helper()
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := d.s3In(region).CreateBucket(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if !versioned {
		return
	}
	if _, err := d.s3In(region).PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
}

func (d *deployment) release(t *testing.T, regions ...string) publish.Release {
	t.Helper()
	r := publish.Release{Dir: stagedVersion(t), Version: d.version, Account: account}
	for _, region := range regions {
		r.Targets = append(r.Targets, publish.Target{Region: region, Bucket: artifact.Bucket(region), Client: d.s3In(region)})
	}
	return r
}

// objects are the keys in a bucket.
func (d *deployment) objects(t *testing.T, region string) []string {
	t.Helper()
	page, err := d.s3In(region).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(artifact.Bucket(region))})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range page.Contents {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}

func mustSay(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("went well, want an error with %q", wants)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// All that is wrong with the buckets is told at once, and then nothing is
// uploaded anywhere.
func TestPublishLooksAtTheBucketsFirst(t *testing.T) {
	t.Parallel()
	d := startEmpty(t, rehearsal.Config{})
	d.makeBucket(t, artifact.Bucket("us-east-1"), "us-east-1", true)
	d.makeBucket(t, artifact.Bucket("eu-west-1"), "eu-west-1", false)
	d.makeBucket(t, artifact.Bucket("us-west-2"), "us-east-2", true)
	var out bytes.Buffer
	err := d.release(t, "us-east-1", "eu-west-1", "ap-south-1", "us-west-2").Upload(t.Context(), &out, &out)
	mustSay(t, err, "e6data-quickstart-eu-west-1 keeps no versions", "e6data-quickstart-ap-south-1 is missing", "e6data-quickstart-us-west-2 is in ")
	if found := d.objects(t, "us-east-1"); len(found) > 0 || out.Len() > 0 {
		t.Errorf("uploaded all the same: %q %s", found, out.String())
	}
	other := d.release(t, "us-east-1")
	other.Account = "222222222222"
	mustSay(t, other.Upload(t.Context(), &out, &out), "is not account 222222222222's")
	if found := d.objects(t, "us-east-1"); len(found) > 0 {
		t.Errorf("somebody else's bucket was written to: %q", found)
	}
}

// interrupter cancels after some lines.
type interrupter struct {
	lines  int
	cancel func()
}

func (i *interrupter) Write(p []byte) (int, error) {
	if i.lines--; i.lines == 0 {
		i.cancel()
	}
	return len(p), nil
}

// documentedPolicy is the policy that a page, named from the project's folder,
// gives its readers.
func documentedPolicy(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	if policy == nil {
		t.Fatalf("%s has no policy", page)
	}
	return string(policy[1])
}

// publisher is a client with the rights that docs/publish.md gives a publisher,
// and no others.
func (d *deployment) publisher(t *testing.T) *s3.Client {
	t.Helper()
	_, clients, err := d.DeployerNamed(t.Context(), "publisher", []rehearsal.Policy{{Name: "publish", Document: documentedPolicy(t, "docs/publish.md")}})
	if err != nil {
		t.Fatal(err)
	}
	return clients.S3
}

// A publish that was interrupted goes on; one that is done does nothing; and
// nothing that is there is ever overwritten. A publisher needs the documented
// rights for it, and has no others.
func TestPublishNeverOverwrites(t *testing.T) {
	t.Parallel()
	d := startEmpty(t, rehearsal.Config{})
	d.makeBucket(t, d.bucket, d.Region, true)
	r := d.release(t, d.Region)
	publisher := d.publisher(t)
	r.Targets[0].Client = publisher
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mustSay(t, r.Upload(ctx, io.Discard, &interrupter{3, cancel}), "run it again")
	before := d.objects(t, d.Region)
	if slices.Contains(before, d.version+"/"+publish.SumsFile) || len(before) < 3 {
		t.Errorf("after the interruption there are %q", before)
	}
	var out bytes.Buffer
	for _, want := range []string{"is whole in s3://" + d.bucket, "(0 files uploaded, "} {
		out.Reset()
		if err := r.Upload(t.Context(), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "customers cannot launch it yet") {
			t.Errorf("%q is not in: %s", want, out.String())
		}
	}
	d.openBucket(t)
	out.Reset()
	if err := r.Upload(t.Context(), &out, io.Discard); err != nil || strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "customers cannot") {
		t.Errorf("everybody can read the bucket: %v %s", err, out.String())
	}
	_, err := publisher.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &d.bucket, Key: aws.String(d.version + "/" + publish.SumsFile)})
	mustSay(t, err, "AccessDenied")
	_, err = publisher.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &d.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
	})
	mustSay(t, err, "AccessDenied")
	files, err := publish.Files(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if found := d.objects(t, d.Region); len(found) != len(files) {
		t.Errorf("there are %q, want %q", found, files)
	}
	for key, want := range map[string]string{"quickstart.yaml": "with other bytes: a version is never overwritten", "site/more.js": "which this version has not"} {
		if _, err := d.clients.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &d.bucket, Key: aws.String(d.version + "/" + key), Body: strings.NewReader("tampered")}); err != nil {
			t.Fatal(err)
		}
		mustSay(t, r.Upload(t.Context(), &out, &out), "s3://"+d.bucket+"/"+d.version+"/"+key, want, "Raise VERSION")
	}
	_, _, err = publish.Verify(t.Context(), publish.OpenBucket(t.Context(), publisher, d.bucket, d.version), nil)
	mustSay(t, err, "quickstart.yaml was changed", "site/more.js is no file of the version")
	_, _, err = publish.Verify(t.Context(), publish.OpenBucket(t.Context(), publisher, d.bucket, "9.9.9"), nil)
	mustSay(t, err, "s3://"+d.bucket+"/9.9.9 has no SHA256SUMS")
}

// writerFunc is a function as a writer.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) { f(); return len(p), nil }

// ownerless counts the signed requests that do not name the bucket's owner.
type ownerless struct {
	s3.HTTPClient
	n atomic.Int32
}

func (o *ownerless) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") != "" && r.Header.Get("X-Amz-Expected-Bucket-Owner") != account {
		o.n.Add(1)
	}
	return o.HTTPClient.Do(r)
}

// What another publisher puts there meanwhile stays his; and no request is made
// that would be taken by a bucket which became somebody else's meanwhile.
func TestAnotherPublisherIsNotOverwritten(t *testing.T) {
	t.Parallel()
	d := startEmpty(t, rehearsal.Config{})
	d.makeBucket(t, d.bucket, d.Region, true)
	r := d.release(t, d.Region)
	client := &ownerless{HTTPClient: r.Targets[0].Client.Options().HTTPClient}
	r.Targets[0].Client = s3.New(r.Targets[0].Client.Options(), func(o *s3.Options) { o.HTTPClient = client })
	sums := &s3.GetObjectInput{Bucket: &d.bucket, Key: aws.String(d.version + "/" + publish.SumsFile)}
	var once sync.Once
	err := r.Upload(t.Context(), io.Discard, writerFunc(func() {
		once.Do(func() {
			if err := d.clients.Upload(t.Context(), d.bucket, *sums.Key, []byte("another's")); err != nil {
				t.Error(err)
			}
		})
	}))
	mustSay(t, err, *sums.Key, "with other bytes", "Raise VERSION")
	object, err := d.clients.S3.GetObject(t.Context(), sums)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if text, err := io.ReadAll(object.Body); err != nil || string(text) != "another's" {
		t.Errorf("the other publisher's sums are %q, %v", text, err)
	}
	if n := client.n.Load(); n > 0 {
		t.Errorf("%d requests name no owner", n)
	}
}

// quickstart runs the command against the environment.
func (d *deployment) quickstart(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return d.quickstartAs(t, nil, args...)
}

// quickstartAs runs it with further settings.
func (d *deployment) quickstartAs(t *testing.T, settings []string, args ...string) (string, error) {
	t.Helper()
	command := os.Getenv("QUICKSTART")
	if command == "" {
		t.Skip("QUICKSTART is not set: run these tests through make test")
	}
	c := exec.CommandContext(t.Context(), command, args...)
	c.Env = append(append(d.awsSettings(), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "QUICKSTART_KEY_PASSWORD=opens it"), settings...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// signingKeys makes a publisher's keys, as minisign -G does.
func signingKeys(t *testing.T) (secret, public string) {
	t.Helper()
	secret, public = filepath.Join(t.TempDir(), "e6data.key"), filepath.Join(t.TempDir(), "e6data.pub")
	if err := writeKeys(secret, public); err != nil {
		t.Fatal(err)
	}
	return secret, public
}

func writeKeys(secret, public string) error {
	pub, priv, err := minisign.GenerateKey(nil)
	if err != nil {
		return err
	}
	encrypted, err := minisign.EncryptKey("opens it", priv)
	if err != nil {
		return err
	}
	text, err := pub.MarshalText()
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(secret, encrypted, 0o600), os.WriteFile(public, text, 0o600))
}

// The command publishes into three regions, and each mode is launched in one of
// them through the link that it printed, by that link's own parameters and what
// the customer enters.
func TestPublishedLinks(t *testing.T) {
	t.Parallel()
	for i, mode := range contract.Modes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := startEmpty(t, rehearsal.Config{Region: publishedRegions[i]})
			for _, region := range publishedRegions {
				d.makeBucket(t, artifact.Bucket(region), region, true)
			}
			secret, public := signingKeys(t)
			out, err := d.quickstart(t, "publish", "--source", "../..", "--draft", "--regions", strings.Join(publishedRegions, ","), "--key", secret)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			d.checkPublished(t, public)
			links := regexp.MustCompile(`(?m)^  `+mode+` +(https://\S+)$`).FindAllStringSubmatch(out, -1)
			if len(links) != len(publishedRegions) {
				t.Fatalf("%d links for %s in:\n%s", len(links), mode, out)
			}
			d.launchLink(t, mode, links[i][1], d.parameters(map[string]string{"ChartSource": d.customersCharts(t)}), nil)
		})
	}
}

// openBucket lets everybody read what is published.
func (d *deployment) openBucket(t *testing.T) {
	t.Helper()
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + d.bucket + `/*"}]}`
	if _, err := d.clients.S3.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: &d.bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.S3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &d.bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
}

// checkPublished verifies what was published as a customer does.
func (d *deployment) checkPublished(t *testing.T, public string) {
	t.Helper()
	place := d.Endpoint + "/" + d.bucket + "/" + d.version
	if out, err := d.quickstart(t, "verify", place, "--public-key", public); err == nil {
		t.Errorf("a private bucket was read: %s", out) // so that the check below reads what a policy lets it
	}
	d.openBucket(t)
	if out, err := d.quickstart(t, "verify", place, "--public-key", public); err != nil || !strings.Contains(out, "files are as published (signed") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	for _, region := range publishedRegions { // the command's own region is one of them
		if out, err := d.quickstart(t, "verify", "s3://"+artifact.Bucket(region)+"/"+d.version+"/", "--public-key", public); err != nil || !strings.Contains(out, "version "+d.version+": ") {
			t.Errorf("verify in the bucket of %s: %v\n%s", region, err, out)
		}
	}
	_, stranger := signingKeys(t)
	if out, err := d.quickstart(t, "verify", place, "--public-key", stranger); err == nil || !strings.Contains(out, "was not signed with the key") {
		t.Errorf("another key's signature is taken: %v\n%s", err, out)
	}
}

// launchLink creates and deletes the stack of a link, with what is entered
// beside it. The deployer's clients do, if there are some; check, if any, looks at
// the stack meanwhile.
func (d *deployment) launchLink(t *testing.T, mode, link string, entered map[string]string, deployer *rehearsal.Clients, check ...func(*testing.T, *rehearsal.Stack)) {
	t.Helper()
	own, customer, cluster := d.customersPlace(t, mode)
	maps.Copy(entered, own)
	filled := quickcreatetest.FilledIn(t, link)
	for key := range filled {
		if name, found := strings.CutPrefix(key, "param_"); found {
			entered[name] = filled.Get(key)
		}
	}
	s := d.clients.NewStack(filled.Get("stackName"), filled.Get("templateURL"), logEvents(t))
	s.NamedRoles, s.Deployer = mode == contract.ModeExistingEKS, deployer
	if err := s.Create(t.Context(), entered); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(check, func(t *testing.T, s *rehearsal.Stack) { t.Helper(); checkOutputs(t, s) }) {
		c(t, s)
	}
	d.end(t, s, contract.ModeTemplate(mode), customer)
	if cluster != nil {
		if err := cluster.Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// customersCharts are the charts in a bucket of the customer's: the public ones are
// not reached from here.
func (d *deployment) customersCharts(t *testing.T) (source string) {
	t.Helper()
	const charts = "customers-charts"
	d.makeBucket(t, charts, d.Region, false)
	d.uploadAll(t, charts, rehearsal.Artifacts{Dir: filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts"), Version: "charts"})
	return "s3://" + charts + "/charts"
}

// customersPlace makes what a mode finds with the customer, and gives the answers
// that name it.
func (d *deployment) customersPlace(t *testing.T, mode string) (answers map[string]string, vpc *rehearsal.MadeVPC, cluster *rehearsal.MadeCluster) {
	t.Helper()
	switch mode {
	case contract.ModeExistingVPC:
		vpc = d.customer(t, customers["bare"])
		answers = map[string]string{"VpcId": vpc.ID}
	case contract.ModeExistingEKS:
		cluster = d.customersCluster(t, rehearsal.CustomerCluster{Mode: "API"})
		answers = cluster.Answers()
	}
	d.snapshot(t)
	return answers, vpc, cluster
}
