package answers

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// RoomForDataBuckets is how many characters of the engine role's policies may
// name data buckets. All inline policies of a role have 10,240
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html);
// the test of the templates' policies adds up the rest.
const RoomForDataBuckets = 8000

// CharactersOf is how many characters a data bucket takes in them: it stands
// there as arn:*:s3:::NAME and as arn:*:s3:::NAME/*, in quotes and with a comma.
func CharactersOf(bucket string) int {
	return len(`"arn:*:s3:::",`) + len(`"arn:*:s3:::/*",`) + 2*len(bucket)
}

func checkDataBuckets(_ stack, value string) error {
	var problems []error
	names, characters := split(value), 0
	for _, name := range names {
		problems = append(problems, checkBucketName("DataBucketNames", name))
		characters += CharactersOf(name)
	}
	if characters > RoomForDataBuckets {
		problems = append(problems, fmt.Errorf("DataBucketNames has %d buckets, whose names fill %d characters of the engine role's policies, and there is room for %d: "+
			"enter fewer buckets, and launch a second workspace for the others", len(names), characters, RoomForDataBuckets))
	}
	return errors.Join(problems...)
}

// notBuckets are beginnings and ends that names of buckets do not have: S3
// keeps them for other things
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
var (
	notBegun = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	notEnded = map[string]string{
		"-s3alias": "the alias of an access point", "--ol-s3": "the alias of an Object Lambda access point",
		".mrap": "a Multi-Region Access Point", "--x-s3": "a directory bucket", "--table-s3": "a table bucket",
	}
)

// checkBucketName refuses what the pattern of a bucket's name lets pass and S3
// does not.
func checkBucketName(parameter, name string) error {
	problem := func(why string) error {
		return fmt.Errorf("%s has %s, and %s: enter the name of a general purpose bucket", parameter, name, why)
	}
	for end, kind := range notEnded {
		if strings.HasSuffix(name, end) {
			return problem("such a name is that of " + kind)
		}
	}
	for _, begin := range notBegun {
		if strings.HasPrefix(name, begin) {
			return problem("no bucket's name begins with " + begin)
		}
	}
	if strings.Contains(name, "..") {
		return problem("no bucket's name has two dots in a row")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return problem("no bucket's name is an IP address")
	}
	return nil
}

// split is a list's elements, without the spaces around them.
func split(list string) []string {
	var all []string
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e != "" {
			all = append(all, e)
		}
	}
	return all
}
