// Command standins packages the rehearsal's stand-in charts and prints the path
// of each archive.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

func main() {
	crds := flag.String("crds", "", "directory with Karpenter's custom resource definitions (the module in rehearsal/karpenter pins them)")
	out := flag.String("out", "", "directory to write NAME-VERSION.tgz of each chart to")
	flag.Parse()
	if *crds == "" || *out == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "standins: both -crds and -out are needed, and nothing else")
		flag.Usage()
		os.Exit(2)
	}
	paths, err := charts.Package(*out, charts.Options{KarpenterCRDs: *crds})
	if err != nil {
		fmt.Fprintln(os.Stderr, "standins:", err)
		os.Exit(1)
	}
	for _, path := range paths {
		fmt.Println(path)
	}
}
