package answers

import (
	"fmt"
	"regexp"
	"strings"
)

// privateECR is the host name of a private registry of Amazon ECR, for IPv4 and
// for both kinds of addresses
// (https://docs.aws.amazon.com/general/latest/gr/ecr.html).
var privateECR = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.`)

// checkChartSource refuses a source from which no chart can be read. In which
// region a bucket is does not show in its name.
func checkChartSource(_ stack, value string) error {
	scheme, place, _ := strings.Cut(value, "://")
	host, _, _ := strings.Cut(place, "/")
	switch {
	case scheme == "s3":
		return checkBucketName("ChartSource", host)
	case scheme == "oci" && privateECR.MatchString(host):
		return fmt.Errorf("ChartSource %s is a private registry of Amazon ECR, which answers nobody without credentials, and charts are pulled without any: "+
			"copy the charts into a bucket and enter s3://bucket/prefix, or take a registry that anybody may read", value)
	}
	return nil
}

// checkImageRegistry refuses a registry of ECR in another partition: nodes have
// no credentials for it. One of another region or account is fine.
func checkImageRegistry(s stack, value string) error {
	m := privateECR.FindStringSubmatch(value)
	if m == nil {
		return nil
	}
	if p := partitionOf(m[1]); p != s.at.Partition {
		return fmt.Errorf("ImageRegistry %s is in the partition %s, and this stack is in %s, whose nodes have no credentials there: "+
			"copy the images to a registry of this partition and enter that", value, p, s.at.Partition)
	}
	return nil
}

// partitionOf is the partition of a region, by the beginning of its name
// (the SDKs' partitions.json has the same as regionRegex).
func partitionOf(region string) string {
	for _, known := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"},
		{"eu-isoe-", "aws-iso-e"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, known.prefix) {
			return known.partition
		}
	}
	return "aws"
}
