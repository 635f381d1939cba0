package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// bundleRegion is one in which nothing is published.
const (
	bundleRegion = "eu-north-1"
	ownBucket    = "customers-quickstart"
	ownImages    = account + ".dkr.ecr." + bundleRegion + ".amazonaws.com/mirror"
)

// bundledDir is the folder of bundled; empty until that is asked for.
var bundledDir string

// bundled is the bundle of this tree with the rehearsal's charts, packed once for
// all tests by the command: the archive's and the public key's file.
var bundled = sync.OnceValue(func() (b struct {
	archive, public string
	err             error
},
) {
	if bundledDir, b.err = os.MkdirTemp("", "bundled-"); b.err != nil {
		return b
	}
	secret := filepath.Join(bundledDir, "e6data.key")
	b.archive, b.public = filepath.Join(bundledDir, "bundle.tar.gz"), filepath.Join(bundledDir, "e6data.pub")
	if b.err = writeKeys(secret, b.public); b.err != nil {
		return b
	}
	c := exec.CommandContext(context.Background(), os.Getenv("QUICKSTART"), "bundle", "--source", "../..", "--draft", "--key", secret, "--out", b.archive,
		"--charts", filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts"))
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "QUICKSTART_KEY_PASSWORD=opens it"}
	if out, err := c.CombinedOutput(); err != nil {
		b.err = fmt.Errorf("%w: %s", err, out)
	}
	return b
})

func bundle(t *testing.T) (archive, public string) {
	t.Helper()
	if os.Getenv("QUICKSTART") == "" {
		t.Skip("QUICKSTART is not set: run these tests through make test")
	}
	b := bundled()
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.archive, b.public
}

// loader is a principal with the rights that docs/air-gap.md gives who loads, and
// no others, as settings of a command.
func (d *deployment) loader(t *testing.T) []string {
	t.Helper()
	arn, _, err := d.DeployerNamed(t.Context(), "loader", []rehearsal.Policy{{Name: "load", Document: strings.ReplaceAll(documentedPolicy(t, "docs/air-gap.md"), "BUCKET", ownBucket)}})
	if err != nil {
		t.Fatal(err)
	}
	as, err := d.As(t.Context(), arn, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := as.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken}
}

func (d *deployment) blockPublicAccess(t *testing.T, bucket string, block bool) {
	t.Helper()
	if _, err := d.s3In(d.Region).PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: &bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: &block, IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	}); err != nil {
		t.Fatal(err)
	}
}

// A bundle is loaded by a customer with the documented rights into his own
// bucket, and each mode is launched through the link that was printed, by a
// deployer who may read that bucket and no other: no file and no chart comes
// from anywhere else.
func TestBundledLinks(t *testing.T) {
	t.Parallel()
	for i, mode := range contract.Modes() {
		t.Run(mode, func(t *testing.T) {
			if mode != contract.ModeNewVPC {
				inTurn(t, uint64(i))
			}
			t.Parallel()
			archive, public := bundle(t)
			d := startEmpty(t, rehearsal.Config{Region: bundleRegion})
			d.makeBucket(t, ownBucket, d.Region, false)
			d.blockPublicAccess(t, ownBucket, true)
			out, err := d.quickstartAs(t, d.loader(t), "bundle", "load", archive, "--bucket", ownBucket, "--region", d.Region,
				"--public-key", public, "--image-registry", ownImages)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"files are as published (signed with the key)", "s3://" + ownBucket + "/" + d.version + "/images.txt", "endpoints.txt"} {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
			link := regexp.MustCompile(`(?m)^  ` + mode + ` +(https://\S+)$`).FindStringSubmatch(out)
			if link == nil {
				t.Fatalf("no link for %s in:\n%s", mode, out)
			}
			_, deployer, err := d.DeployerNamed(t.Context(), "deployer", deployerPolicies(t, mode, deployerpolicy.Settings{ArtifactBucket: ownBucket}))
			if err != nil {
				t.Fatal(err)
			}
			entered := d.parameters(nil)
			delete(entered, "ChartSource")
			d.launchLink(t, mode, link[1], entered, deployer, d.checkImages)
			d.checkSources(t, mode)
		})
	}
}

// checkSources looks from where files came.
func (d *deployment) checkSources(t *testing.T, mode string) {
	t.Helper()
	calls, err := d.Calls()
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, c := range calls {
		place, ofS3 := strings.CutPrefix(c.Resource, "arn:aws:s3:::")
		bucket, key, _ := strings.Cut(place, "/")
		reads := c.Action == "s3:GetObject"
		if ofS3 && (reads && (bucket != ownBucket || !c.Allowed) || strings.HasPrefix(bucket, artifact.BucketPrefix)) {
			t.Errorf("%s asked for %s of %s: %s", c.Principal, c.Action, c.Resource, c.Reason)
		}
		if ofS3 && reads && !strings.Contains(c.Principal, "/loader/") {
			read[strings.TrimPrefix(key, d.version+"/")] = true
		}
	}
	wants := []string{contract.ModeTemplate(mode), artifact.ZipName("helminstaller", artifact.Host()), artifact.ZipName("outputs", artifact.Host())}
	for _, chart := range []string{"workspace", "aws-load-balancer-controller", "karpenter", "karpenter-crd"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(read)), func(key string) bool {
			return regexp.MustCompile(`^charts/` + chart + `-\d[^/]*\.tgz$`).MatchString(key)
		}) {
			t.Errorf("nobody read the chart %s from the bucket", chart)
		}
	}
	if mode != contract.ModeExistingEKS {
		wants = append(wants, "templates/network.yaml")
	}
	for _, want := range wants {
		if !read[want] {
			t.Errorf("nobody read %s from the bucket: read were %q", want, slices.Sorted(maps.Keys(read)))
		}
	}
}

// checkImages wants every image that pods run in the bundle's list, or of EKS's
// add-ons.
func (d *deployment) checkImages(t *testing.T, s *rehearsal.Stack) {
	t.Helper()
	listed := map[string]bool{}
	for line := range strings.Lines(string(d.loaded(t, "images.txt"))) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok && from != "#" {
			listed[ownImages+"/"+to] = true
		}
	}
	outputs := checkOutputs(t, s)
	pods, err := d.kube(t, outputs["ClusterName"]).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, p := range pods.Items {
		if p.Namespace == "shop" {
			continue // the customer's own, on a cluster that was there
		}
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			if strings.HasPrefix(c.Image, addonRegistry) {
				continue
			}
			if run[c.Image] = true; !listed[c.Image] {
				t.Errorf("pod %s/%s has the image %s, which the list has not: %v", p.Namespace, p.Name, c.Image, listed)
			}
		}
	}
	if len(listed) == 0 || len(run) != len(listed) {
		t.Errorf("listed are %v, pods run %v", listed, run)
	}
}

// loaded is a file of the version in the customer's bucket.
func (d *deployment) loaded(t *testing.T, name string) []byte {
	t.Helper()
	object, err := d.s3In(d.Region).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(ownBucket), Key: aws.String(d.version + "/" + name)})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// member is a file of an archive.
type member struct {
	tar.Header
	body []byte
}

// members are those of a bundle.
func members(t *testing.T, archive string) []member {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []member
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member{*h, body})
	}
}

// packed is an archive of members.
func packed(t *testing.T, all []member) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zipped, err := gzip.NewWriterLevel(f, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zipped)
	for _, m := range all {
		m.Size = int64(len(m.body))
		if err := w.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// tamperings are done to a bundle, with what must be said of them.
func tamperings(version string) map[string]struct {
	change func([]member) []member
	says   string
} {
	top := "e6data-quickstart-" + version + "/"
	flip := func(name string) func([]member) []member {
		return func(all []member) []member {
			i := slices.IndexFunc(all, func(m member) bool {
				return m.Name == top+name || strings.HasSuffix(name, "-") && strings.HasPrefix(m.Name, top+name)
			})
			all[i].body = bytes.Clone(all[i].body)
			all[i].body[len(all[i].body)/2] ^= 1
			return all
		}
	}
	add := func(name string) func([]member) []member {
		return func(all []member) []member {
			return append(all, member{tar.Header{Name: name, Mode: 0o644}, []byte("more")})
		}
	}
	return map[string]struct {
		change func([]member) []member
		says   string
	}{
		"a byte in a zip":         {flip("helminstaller-arm64.zip"), "helminstaller-arm64.zip was changed"},
		"a byte in a template":    {flip("quickstart.yaml"), "quickstart.yaml was changed"},
		"a byte in a chart":       {flip("charts/karpenter-crd-"), "was changed"},
		"a byte in the images":    {flip("images.txt"), "images.txt was changed"},
		"a byte in the sums":      {flip("SHA256SUMS"), "was not signed with the key"},
		"a byte in the signature": {flip("SHA256SUMS.minisig"), "SHA256SUMS"},
		"a file too many":         {add(top + "templates/more.yaml"), "templates/more.yaml is no file of the version"},
		"a file too few":          {func(all []member) []member { return all[1:] }, "LICENSE is missing"},
		"a file twice":            {add(top + "quickstart.yaml"), "is there twice"},
		"a way out":               {add(top + "../../x"), "is no name of a bundle's file"},
		"another folder":          {add("e6data-quickstart-9.9.9/quickstart.yaml"), "is not in the folder"},
		"a link": {func(all []member) []member {
			return append(all, member{tar.Header{Name: top + "passwd", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil})
		}, "is no plain file"},
	}
}

// What was tampered with is refused before anything is uploaded, or even asked of
// AWS; and a bucket of the wrong kind before anything is uploaded to it.
func TestATamperedBundleIsNotLoaded(t *testing.T) {
	t.Parallel()
	archive, public := bundle(t)
	d := startEmpty(t, rehearsal.Config{Region: bundleRegion})
	d.makeBucket(t, ownBucket, d.Region, false)
	who := d.loader(t)
	load := func(t *testing.T, archive string, settings ...string) (string, error) {
		t.Helper()
		return d.quickstartAs(t, append(slices.Clone(who), settings...), "bundle", "load", archive, "--bucket", ownBucket, "--region", d.Region, "--public-key", public)
	}
	all := members(t, archive)
	nowhere := "AWS_ENDPOINT_URL=https://127.0.0.1:1"
	for name, tampering := range tamperings(d.version) {
		out, err := load(t, packed(t, tampering.change(slices.Clone(all))), nowhere)
		if err == nil || !strings.Contains(out, tampering.says) || !strings.Contains(out, "nothing was uploaded") {
			t.Errorf("%s: %v, want %q:\n%s", name, err, tampering.says, out)
		}
	}
	if out, err := load(t, packed(t, all), nowhere); err == nil || !strings.Contains(out, "files are as published (signed") {
		t.Errorf("untampered, with AWS out of reach: %v\n%s", err, out) // so that the above was not refused for something else
	}
	d.blockPublicAccess(t, ownBucket, false)
	for _, want := range []struct{ archive, says string }{
		{archive, "public access to bucket " + ownBucket + " is not blocked"},
		{packed(t, all[:3]), "no images.txt: it is no bundle"},
	} {
		if out, err := load(t, want.archive); err == nil || !strings.Contains(out, want.says) {
			t.Errorf("%v, want %q:\n%s", err, want.says, out)
		}
	}
	if page, err := d.clients.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(ownBucket)}); err != nil || len(page.Contents) > 0 {
		t.Errorf("uploaded all the same: %v, %v", page, err)
	}
	d.blockPublicAccess(t, ownBucket, true)
	for _, want := range []string{"(33 files uploaded, 0 were there)", "(0 files uploaded, 33 were there)"} {
		if out, err := load(t, archive); err != nil || !strings.Contains(out, strings.ReplaceAll(want, "33", fmt.Sprint(len(all)))) {
			t.Errorf("%v, want %q:\n%s", err, want, out)
		}
	}
	key := aws.String(d.version + "/images.txt")
	head, err := d.clients.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(ownBucket), Key: key})
	if err != nil || head.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("encrypted with %v, which the functions cannot read (%v)", head, err)
	}
	if _, err := d.clients.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(ownBucket), Key: key, Body: bytes.NewReader(d.loaded(t, "images.txt")),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ServerSideEncryption: types.ServerSideEncryptionAwsKms,
	}); err != nil {
		t.Fatal(err)
	}
	if out, err := load(t, archive); err == nil || !strings.Contains(out, "/images.txt is there, encrypted with aws:kms, which the functions have no right to decrypt") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := d.clients.Upload(t.Context(), ownBucket, d.version+"/quickstart.yaml", []byte("other")); err != nil {
		t.Fatal(err)
	}
	if out, err := load(t, archive); err == nil || !strings.Contains(out, "/quickstart.yaml is there, with other bytes: a version is never overwritten") {
		t.Errorf("%v\n%s", err, out)
	}
}
