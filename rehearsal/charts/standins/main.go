// Command standins packages the rehearsal's charts and prints the path
// of each archive.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

func main() {
	karpenter := flag.String("karpenter", "", "directory with Karpenter's own charts (the module in rehearsal/karpenter has them)")
	out := flag.String("out", "", "directory to write NAME-VERSION.tgz of each chart to")
	flag.Parse()
	if *karpenter == "" || *out == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "standins: both -karpenter and -out are needed, and nothing else")
		flag.Usage()
		os.Exit(2)
	}
	paths, err := charts.Package(*out, charts.Options{KarpenterCharts: *karpenter})
	if err != nil {
		fmt.Fprintln(os.Stderr, "standins:", err)
		os.Exit(1)
	}
	for _, path := range paths {
		fmt.Println(path)
	}
}
