package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	ownRegistry = "registry.example.com:5000/mirror"
	ownProxy    = "http://proxy.example.com:3128"
	ownNoProxy  = ".example.com,s3.us-east-1.amazonaws.com"
	// addonRegistry is the account of EKS's own images, which ImageRegistry is not
	// for: EKS chooses and updates them.
	addonRegistry = "602401143452.dkr.ecr."
)

// addons are the workloads of EKS's add-ons.
var addons = []string{"aws-node", "kube-proxy", "coredns", "ebs-csi-controller", "ebs-csi-node"}

// ownThings is a stack with everything that a strict customer brings: images,
// a proxy, a KMS key, and Spot for the query engine.
type ownThings struct {
	*pool
	stack    *rehearsal.Stack
	key      string
	physical map[string]string
}

// A customer's registry, proxy and key are used wherever they must be, and a
// pod that waits for the query engine's nodes gets a Spot instance.
func TestRegistryProxyKeyAndSpotOfTheCustomers(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	o := &ownThings{key: d.newKey(t), stack: d.stack(t)}
	d.snapshot(t) // with the key
	if err := o.stack.Create(t.Context(), d.parameters(map[string]string{
		"ImageRegistry": ownRegistry, "HttpsProxy": ownProxy, "NoProxy": ownNoProxy, "KmsKeyArn": o.key, "NodeCapacityTypes": "spot",
	})); err != nil {
		t.Fatal(err)
	}
	o.pool = newPool(t, d, checkOutputs(t, o.stack))
	var err error
	if o.physical, err = o.stack.Resources(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.want(t, 1)
	await(t, "a pod of the engine runs", o.running)
	o.claim(t, "data")
	t.Run("images of all releases' pods", o.checkImages)
	t.Run("proxy of functions and controllers", o.checkProxyOfPrograms)
	t.Run("proxy of nodes", o.checkProxyOfNodes)
	t.Run("key of secrets and bucket", o.checkKeyOfClusterAndBucket)
	t.Run("key of volumes", o.checkKeyOfVolumes)
	t.Run("spot", o.checkSpot)

	// The functions go on working with these settings.
	if err := o.stack.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000"}); err != nil {
		t.Fatal(err)
	}
	o.release(t, "data")
	o.rest(t)
	d.end(t, o.stack, "quickstart.yaml", nil)
}

// checkImages looks at every container of the cluster, but for those that the
// test itself started.
func (o *ownThings) checkImages(t *testing.T) {
	pods, err := o.kube.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]bool{}
	for _, p := range pods.Items {
		if p.Namespace == "default" {
			continue
		}
		addon := slices.ContainsFunc(addons, func(name string) bool { return strings.HasPrefix(p.Name, name+"-") })
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			switch {
			case strings.HasPrefix(c.Image, ownRegistry+"/"):
				ours[strings.TrimPrefix(c.Image, ownRegistry)[:strings.LastIndex(strings.TrimPrefix(c.Image, ownRegistry), ":")]] = true
			case !addon || !strings.HasPrefix(c.Image, addonRegistry):
				t.Errorf("pod %s/%s has the image %s, which is not of the customer's registry", p.Namespace, p.Name, c.Image)
			}
		}
	}
	for _, image := range []string{"/karpenter/controller", "/eks/aws-load-balancer-controller"} {
		if !ours[image] {
			t.Errorf("no pod has the image %s of the customer's registry; there are %v", image, ours)
		}
	}
}

// proxied says what is wrong with the variables of a program.
func (o *ownThings) proxied(variables map[string]string) error {
	cluster, err := o.clients.EKS.DescribeCluster(context.Background(), &eks.DescribeClusterInput{Name: &o.cluster})
	if err != nil {
		return err
	}
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(*cluster.Cluster.Endpoint, "https://"), "/")
	direct := strings.Split(variables["NO_PROXY"], ",")
	for _, host := range append(strings.Split(ownNoProxy, ","), "169.254.0.0/16", "10.0.0.0/8", ".svc", endpoint) {
		if !slices.Contains(direct, host) {
			return fmt.Errorf("%s is not reached directly: NO_PROXY is %q", host, variables["NO_PROXY"])
		}
	}
	if variables["HTTPS_PROXY"] != ownProxy {
		return fmt.Errorf("HTTPS_PROXY is %q", variables["HTTPS_PROXY"])
	}
	return nil
}

func (o *ownThings) checkProxyOfPrograms(t *testing.T) {
	for id, inVPC := range map[string]bool{"HelmInstaller": true, "OutputsFunction": false} {
		name := o.physical[id]
		f, err := o.clients.Lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{}
		if f.Environment != nil {
			variables = f.Environment.Variables
		}
		if err := o.proxied(variables); inVPC && err != nil {
			t.Errorf("%s: %v", id, err)
		} else if !inVPC && variables["HTTPS_PROXY"] != "" {
			t.Errorf("%s is outside of the VPC, from where nobody reaches the proxy %s", id, variables["HTTPS_PROXY"])
		}
	}
	group, err := o.clients.EC2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{o.physical["HelmInstallerSecurityGroup"]}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(group.SecurityGroups[0].IpPermissionsEgress, func(p ec2types.IpPermission) bool { return aws.ToInt32(p.FromPort) == 3128 }) {
		t.Error("the function's security group does not let it out to the proxy's port")
	}
	for _, deployment := range []string{"karpenter", "aws-load-balancer-controller"} {
		found, err := o.kube.AppsV1().Deployments("kube-system").Get(t.Context(), deployment, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{}
		for _, e := range found.Spec.Template.Spec.Containers[0].Env {
			variables[e.Name] = e.Value
		}
		if err := o.proxied(variables); err != nil {
			t.Errorf("%s: %v", deployment, err)
		}
	}
}

// checkProxyOfNodes reads the user data of both kinds of nodes.
func (o *ownThings) checkProxyOfNodes(t *testing.T) {
	templates := map[string]string{"the node group": o.physical["NodeLaunchTemplate"]}
	all, err := o.clients.EC2.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, lt := range all.LaunchTemplates {
		if strings.HasPrefix(*lt.LaunchTemplateName, "karpenter.k8s.aws/") {
			templates["Karpenter"] = *lt.LaunchTemplateId
		}
	}
	if len(templates) != 2 {
		t.Fatalf("launch templates of %v", templates)
	}
	for of, id := range templates {
		versions, err := o.clients.EC2.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, Versions: []string{"$Latest"}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(aws.ToString(versions.LaunchTemplateVersions[0].LaunchTemplateData.UserData))
		if err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				variables[name] = value
			}
		}
		if err := o.proxied(variables); err != nil {
			t.Errorf("nodes of %s: %v", of, err)
		}
	}
}

func (o *ownThings) checkKeyOfClusterAndBucket(t *testing.T) {
	cluster, err := o.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &o.cluster})
	if err != nil {
		t.Fatal(err)
	}
	if e := cluster.Cluster.EncryptionConfig; len(e) != 1 || aws.ToString(e[0].Provider.KeyArn) != o.key {
		t.Errorf("the cluster's secrets are encrypted with %+v", e)
	}
	bucket := o.physical["WorkspaceBucket"]
	encryption, err := o.clients.S3.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range encryption.ServerSideEncryptionConfiguration.Rules {
		if aws.ToString(r.ApplyServerSideEncryptionByDefault.KMSMasterKeyID) != o.key {
			t.Errorf("the workspace bucket is encrypted with %+v", r.ApplyServerSideEncryptionByDefault)
		}
	}
}

// checkKeyOfVolumes looks at all volumes there are: disks of the node group's and
// of Karpenter's nodes, and the claim's.
func (o *ownThings) checkKeyOfVolumes(t *testing.T) {
	out, err := o.clients.EC2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, v := range out.Volumes {
		kind := "another"
		for _, tag := range v.Tags {
			switch *tag.Key {
			case nodePoolLabel:
				kind = "of a node of the engine"
			case "eks:nodegroup-name":
				kind = "of a node of the group"
			case "ebs.csi.aws.com/cluster":
				kind = "of a claim"
			}
		}
		kinds[kind]++
		if !aws.ToBool(v.Encrypted) || aws.ToString(v.KmsKeyId) != o.key {
			t.Errorf("volume %s %s is encrypted: %t, with %q", *v.VolumeId, kind, aws.ToBool(v.Encrypted), aws.ToString(v.KmsKeyId))
		}
	}
	t.Logf("volumes: %v", kinds)
	if kinds["of a node of the engine"] == 0 || kinds["of a claim"] != 1 || len(out.Volumes) < 4 {
		t.Errorf("volumes %v: want those of two nodes of the group, of the engine's nodes and of a claim", kinds)
	}
}

func (o *ownThings) checkSpot(t *testing.T) {
	instances, err := o.instances(t.Context())
	if err != nil || len(instances) == 0 {
		t.Fatalf("instances of the pool: %v (%v)", instances, err)
	}
	for _, i := range instances {
		if i.InstanceLifecycle != ec2types.InstanceLifecycleTypeSpot {
			t.Errorf("instance %s is bought as %q, not as Spot", *i.InstanceId, i.InstanceLifecycle)
		}
	}
	nodes, err := o.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: nodePoolLabel + "=" + o.name + ",karpenter.sh/capacity-type=spot"})
	if err != nil || len(nodes.Items) != len(instances) {
		t.Errorf("%d instances and %d spot nodes (%v)", len(instances), len(nodes.Items), err)
	}
	if _, denied := o.calls(t); len(denied) > 0 {
		t.Errorf("Karpenter was denied %v", denied)
	}
}

// claim starts a pod on the engine's node with a volume of the stack's storage
// class.
func (o *ownThings) claim(t *testing.T, name string) {
	t.Helper()
	class := "gp3"
	_, err := o.kube.CoreV1().PersistentVolumeClaims("default").Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}},
		},
	}, createNow)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.kube.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:  []corev1.Container{{Name: "web", Image: "example/web:1", VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}}},
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
			}}},
		},
	}, createNow)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the pod runs with its volume", func(ctx context.Context) error {
		pod, err := o.kube.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("it is %s: %+v", pod.Status.Phase, pod.Status.Conditions)
		}
		return err
	})
}

// release ends the pod and waits until its volume is gone.
func (o *ownThings) release(t *testing.T, name string) {
	t.Helper()
	if err := o.kube.CoreV1().Pods("default").Delete(t.Context(), name, deleteNow); err != nil {
		t.Fatal(err)
	}
	if err := o.kube.CoreV1().PersistentVolumeClaims("default").Delete(t.Context(), name, deleteNow); err != nil {
		t.Fatal(err)
	}
	await(t, "the volume goes", func(ctx context.Context) error {
		left, err := o.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = fmt.Errorf("%d volumes are left", len(left.Items))
		}
		return err
	})
}
