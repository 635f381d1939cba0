package answers

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const account = "111122223333"

var (
	home     = Place{Partition: "aws", Region: "us-east-1", Account: account}
	china    = Place{Partition: "aws-cn", Region: "cn-northwest-1", Account: account}
	govCloud = Place{Partition: "aws-us-gov", Region: "us-gov-west-1", Account: account}
)

const keyID = "1234abcd-12ab-34cd-56ef-1234567890ab"

func TestCheck(t *testing.T) {
	manyBlocks := make([]string, mostPublicBlocks+1)
	for i := range manyBlocks {
		manyBlocks[i] = fmt.Sprintf("198.51.100.%d/32", i)
	}
	tests := map[string]struct {
		at        Place
		parameter string
		value     string
		want      string // in the error; empty: it is taken
		enter     string // what the error tells to do
	}{
		"a key of the region":                            {home, "KmsKeyArn", "arn:aws:kms:us-east-1:" + account + ":key/" + keyID, "", ""},
		"a key of another account":                       {home, "KmsKeyArn", "arn:aws:kms:us-east-1:999988887777:key/" + keyID, "", ""},
		"a key of another region":                        {home, "KmsKeyArn", "arn:aws:kms:eu-west-1:" + account + ":key/" + keyID, "is a key of eu-west-1, and this stack is in us-east-1", "enter the ARN of a key in us-east-1"},
		"a multi-Region key of another region":           {home, "KmsKeyArn", "arn:aws:kms:us-east-2:" + account + ":key/mrk-1234abcd12ab34cd56ef1234567890ab", "is a key of us-east-2", "make a replica there"},
		"a key of another partition":                     {china, "KmsKeyArn", "arn:aws:kms:cn-northwest-1:" + account + ":key/" + keyID, "is in the partition aws, and this stack is in aws-cn", "begins with arn:aws-cn:"},
		"a key of GovCloud in GovCloud":                  {govCloud, "KmsKeyArn", "arn:aws-us-gov:kms:us-gov-west-1:" + account + ":key/" + keyID, "", ""},
		"an administrator of another account":            {home, "AdminPrincipalArn", "arn:aws:iam::999988887777:role/Admin", "", ""},
		"a cluster's administrator":                      {home, "ClusterAdminRoleArn", "arn:aws:iam::" + account + ":role/ops/Admin", "", ""},
		"a cluster's administrator of another partition": {home, "ClusterAdminRoleArn", "arn:aws-cn:iam::" + account + ":role/Admin", "is in the partition aws-cn, and this stack is in aws", "begins with arn:aws:"},
		"an administrator of another partition":          {home, "AdminPrincipalArn", "arn:aws-cn:iam::" + account + ":role/Admin", "is in the partition aws-cn, and this stack is in aws", "begins with arn:aws:"},
		"a control plane":                                {home, "ControlPlanePrincipalArn", "arn:aws:iam::442042515899:root", "", ""},
		"a control plane of another partition":           {china, "ControlPlanePrincipalArn", "arn:aws:iam::442042515899:root", "is in the partition aws, and this stack is in aws-cn", "e6data tells which"},
		"buckets":                                        {home, "DataBucketNames", "sales-data, my.data-1", "", ""},
		"a name with two dots":                           {home, "DataBucketNames", "sales..data", "two dots in a row", "enter the name of a general purpose bucket"},
		"an address":                                     {home, "DataBucketNames", "sales-data,192.168.5.4", "192.168.5.4, and no bucket's name is an IP address", "enter the name"},
		"a name that is not to be":                       {home, "DataBucketNames", "xn--data", "begins with xn--", "enter the name"},
		"an access point":                                {home, "DataBucketNames", "sales-metadata12345-s3alias", "the alias of an access point", "enter the name"},
		"a directory bucket":                             {home, "DataBucketNames", "sales--use1-az4--x-s3", "a directory bucket", "enter the name"},
		"more buckets than a role has room for":          {home, "DataBucketNames", strings.Repeat("a-bucket-with-a-long-name-of-its-own,", 80), "has 80 buckets", "launch a second workspace"},
		"public charts":                                  {home, "ChartSource", "Public", "", ""},
		"charts in a bucket":                             {home, "ChartSource", "s3://charts/mirror", "", ""},
		"charts in no bucket":                            {home, "ChartSource", "s3://char..ts/mirror", "ChartSource has char..ts", "enter the name"},
		"charts in a registry":                           {home, "ChartSource", "oci://registry.example.com:5000/charts", "", ""},
		"charts in ECR's public registry":                {home, "ChartSource", "oci://public.ecr.aws/acme", "", ""},
		"charts in a private registry of ECR":            {home, "ChartSource", "oci://" + account + ".dkr.ecr.us-east-1.amazonaws.com/charts", "answers nobody without credentials", "enter s3://bucket/prefix"},
		"charts in one with IPv6":                        {home, "ChartSource", "oci://" + account + ".dkr-ecr.us-east-1.on.aws", "answers nobody without credentials", "enter s3://bucket/prefix"},
		"images in a registry":                           {home, "ImageRegistry", "registry.example.com/mirror", "", ""},
		"images in ECR of another region":                {home, "ImageRegistry", "999988887777.dkr.ecr.eu-west-1.amazonaws.com/mirror", "", ""},
		"images in ECR of China, there":                  {china, "ImageRegistry", account + ".dkr.ecr.cn-north-1.amazonaws.com.cn/mirror", "", ""},
		"images in ECR of China, elsewhere":              {home, "ImageRegistry", account + ".dkr.ecr.cn-north-1.amazonaws.com.cn/mirror", "in the partition aws-cn, and this stack is in aws", "copy the images"},
		"images in ECR of GovCloud, with FIPS":           {home, "ImageRegistry", account + ".dkr.ecr-fips.us-gov-west-1.amazonaws.com", "in the partition aws-us-gov", "copy the images"},
		"images in ECR of the world, in GovCloud":        {govCloud, "ImageRegistry", account + ".dkr.ecr.us-west-2.amazonaws.com", "in the partition aws, and this stack is in aws-us-gov", "copy the images"},
		"a proxy":                          {home, "HttpsProxy", "http://proxy.example.com:3128", "", ""},
		"a proxy by its address":           {home, "HttpsProxy", "https://10.0.0.9:443", "", ""},
		"a proxy on the machine itself":    {home, "HttpsProxy", "http://localhost:3128", "takes for itself", "enter the address of a proxy"},
		"a proxy on loopback":              {home, "HttpsProxy", "http://127.0.0.2:3128", "takes for itself", "enter the address of a proxy"},
		"a proxy at the instance metadata": {home, "HttpsProxy", "http://169.254.169.254:80", "takes for itself", "enter the address of a proxy"},
		"public blocks":                    {home, "EndpointPublicAccessCidrs", "44.194.151.209/32, 198.51.100.0/24,172.32.0.0/11", "", ""},
		"a private block":                  {home, "EndpointPublicAccessCidrs", "44.194.151.209/32,10.0.0.0/8", "has 10.0.0.0/8, with private or reserved addresses", "enter the public addresses"},
		"a block around a private one":     {home, "EndpointPublicAccessCidrs", "172.0.0.0/8", "has 172.0.0.0/8", "enter the public addresses"},
		"shared addresses":                 {home, "EndpointPublicAccessCidrs", "100.64.3.0/24", "has 100.64.3.0/24", "enter the public addresses"},
		"more blocks than EKS takes":       {home, "EndpointPublicAccessCidrs", strings.Join(manyBlocks, ","), "has 41 blocks, and EKS takes 40", "join neighbouring blocks"},
		"warm targets":                     {home, "VpcCniWarmTargets", "MINIMUM_IP_TARGET=12, WARM_IP_TARGET=2", "", ""},
		"a warm target twice":              {home, "VpcCniWarmTargets", "WARM_IP_TARGET=2, WARM_IP_TARGET=5", "WARM_IP_TARGET twice", "enter each name once"},
		"families of both architectures":   {home, "NodeInstanceFamilies", "c7g,m7i,a1,g4dn,x2gd", "", ""},
		"tags":                             {home, "NodeTags", "team=data,Team=x,cost center=a/b:c,empty=", "", ""},
		"a tag twice":                      {home, "NodeTags", "team=data,team=ops", "team=ops, and that key is there twice", "one tag of a key"},
		"a tag of e6data's":                {home, "NodeTags", "team=data,app=shop", "app=shop, and that tag is e6data's own", "choose another key"},
		"a long key":                       {home, "NodeTags", strings.Repeat("k", 129) + "=v", "its key has 129 characters", "shorten it to 128"},
		"a long value":                     {home, "NodeTags", "k=" + strings.Repeat("v", 257), "its value has 257 characters", "shorten it to 256"},
	}
	seen := map[string]map[bool]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if seen[tt.parameter] == nil {
				seen[tt.parameter] = map[bool]bool{}
			}
			seen[tt.parameter][tt.want == ""] = true
			err := Check(map[string]string{tt.parameter: tt.value, "NodeArchitectures": "arm64,amd64"}, tt.at)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.enter)):
				t.Errorf("error is %v, want it to contain %q and %q", err, tt.want, tt.enter)
			}
		})
	}
	for _, name := range Parameters() {
		if checks[name] != nil && name != "NodeInstanceFamilies" && len(seen[name]) != 2 {
			t.Errorf("%s is not both taken and refused in the table", name)
		}
	}
}

func TestFamiliesFitTheArchitectures(t *testing.T) {
	for architectures, refused := range map[string]string{"arm64,amd64": "", "arm64": "m7i g4dn u7i-12tb", "amd64": "c7g a1 x2gd im4gn t4g"} {
		err := Check(map[string]string{"NodeArchitectures": architectures, "NodeInstanceFamilies": "c7g,m7i,a1,g4dn, x2gd,im4gn,u7i-12tb,t4g"}, home)
		said := fmt.Sprint(err)
		for family := range strings.FieldsSeq("c7g m7i a1 g4dn x2gd im4gn u7i-12tb t4g") {
			bad := strings.Contains(" "+refused+" ", " "+family+" ")
			if strings.Contains(said, "NodeInstanceFamilies has "+family+",") != bad {
				t.Errorf("%s with %s: %v", family, architectures, err)
			}
		}
	}
}

// Everything is said at once, and in an order that does not change.
func TestCheckSaysAllAtOnce(t *testing.T) {
	given := map[string]string{
		"KmsKeyArn":       "arn:aws:kms:eu-west-1:" + account + ":key/" + keyID,
		"NodeTags":        "a=1,a=2,app=x",
		"DataBucketNames": "a..b,1.2.3.4", "HttpsProxy": "http://localhost:1", "WorkspaceName": "anything at all",
	}
	want := []string{"DataBucketNames has a..b", "DataBucketNames has 1.2.3.4", "HttpsProxy", "KmsKeyArn", "NodeTags has a=2", "NodeTags has app=x"}
	for range 20 {
		lines := strings.Split(fmt.Sprint(Check(given, home)), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, want[i]) {
				t.Errorf("line %d is %q, want %q", i, line, want[i])
			}
		}
	}
}

// No text makes a check panic, and no answer is refused without its name.
func TestAnyTextIsJudged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(Parameters()).Draw(rt, "parameter")
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`(arn:aws|oci://|s3://|http://|a=)?[a-z0-9:/.,=-]{0,60}`)).Draw(rt, "value")
		if err := Check(map[string]string{name: value}, home); err != nil && !strings.Contains(err.Error(), name) {
			rt.Errorf("%q is refused without the parameter's name: %v", value, err)
		}
	})
}
