package preflight

import "strings"

var (
	chartBucketMissing = &Kind{
		ID:   "chart-bucket-missing",
		What: "the bucket with the charts does not exist",
		Do:   "Correct ChartSource",
	}
	chartBucketElsewhere = &Kind{
		ID:   "chart-bucket-of-another-region",
		What: "the bucket with the charts is in another region",
		Do:   "Copy the charts to a bucket in {region}, and give that as ChartSource",
	}
	chartMissing = &Kind{
		ID:   "chart-missing",
		What: "ChartSource lacks charts of the versions that are asked for",
		Do:   "Upload the archives under these very names (CHART-VERSION.tgz), or correct ChartSource or the versions",
	}
	chartsUnread = &Kind{
		ID:   "charts-unread",
		What: "S3 did not say whether the charts are there",
		Do: "Make sure that the bucket's policy lets this account read them. A policy that lets in a VPC only is fine: " +
			"the charts are fetched from inside the VPC",
		Note: true,
	}
)

// S3Place is the bucket and the prefix of ChartSource s3://BUCKET/PREFIX.
func S3Place(source string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(source, "s3://")
	if !ok {
		return "", "", false
	}
	bucket, prefix, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	return bucket, prefix, true
}

// ChartKeys are the keys of the archives in a bucket.
func ChartKeys(prefix, charts string) []string {
	var keys []string
	for _, c := range list(charts) {
		keys = append(keys, strings.TrimPrefix(prefix+"/"+c+".tgz", "/"))
	}
	return keys
}

func checkCharts(f Facts) []Problem {
	c := f.Charts
	if c == nil {
		return nil
	}
	on := "ChartSource " + f.Answers.ChartSource
	switch {
	case c.BucketMissing:
		return []Problem{{Kind: chartBucketMissing, On: on}}
	case c.Region != "":
		return []Problem{{Kind: chartBucketElsewhere, On: on, Why: "it is in " + c.Region, Fill: []string{"region", f.Place.Region}}}
	case len(c.Missing) > 0:
		return []Problem{{Kind: chartMissing, On: on, Why: "there is no " + strings.Join(c.Missing, ", ")}}
	case len(c.Hidden) > 0:
		return []Problem{{Kind: chartsUnread, On: on, Why: "it did not show " + strings.Join(c.Hidden, ", ")}}
	}
	return nil
}
