// Command controllers holds the rehearsal's stand-ins for controllers that
// AWS publishes as images. The embedded EKS starts it for pods that have those
// images, with the credentials of their service account's role.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "usage: controllers load-balancer|ebs-csi")
	os.Exit(2)
}
