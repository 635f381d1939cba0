// Package program runs real programs for pods, in place of the containers that
// this host cannot run: a controller whose binary was built here runs as a
// process, with the environment, the service account and the IAM role that its
// pod gives it. It is probed, restarted and ended as a kubelet would.
package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Program says which images a command stands for.
type Program struct {
	// Image is a part of the image's repository, such as karpenter/controller.
	Image string
	// Command is the program with its first arguments; those of the container
	// follow.
	Command []string
}

// List is the value of the repeatable flag -program.
type List []Program

// String implements flag.Value.
func (l *List) String() string {
	var texts []string
	for _, p := range *l {
		texts = append(texts, p.Image+"="+strings.Join(p.Command, " "))
	}
	return strings.Join(texts, ", ")
}

// Set implements flag.Value: IMAGE=COMMAND, with the words of the command apart by
// blanks or, when they have blanks themselves, as a JSON list.
func (l *List) Set(text string) error {
	image, command, ok := strings.Cut(text, "=")
	if !ok || image == "" {
		return errors.New("it must be IMAGE=COMMAND")
	}
	words := strings.Fields(command)
	if strings.HasPrefix(command, "[") {
		words = nil
		if err := json.Unmarshal([]byte(command), &words); err != nil {
			return fmt.Errorf("command of %s: %w", image, err)
		}
	}
	if len(words) == 0 {
		return fmt.Errorf("image %s has no command", image)
	}
	*l = append(*l, Program{Image: image, Command: words})
	return nil
}

// find gives the pod's container that a program stands for. Pods of DaemonSets
// have none: they serve their node, and nodes are played.
func (l List) find(p *corev1.Pod) (*corev1.Container, Program, bool) {
	if owner := metav1.GetControllerOf(p); owner != nil && owner.Kind == "DaemonSet" {
		return nil, Program{}, false
	}
	for i := range p.Spec.Containers {
		repository := repository(p.Spec.Containers[i].Image)
		if j := slices.IndexFunc(l, func(p Program) bool { return strings.Contains(repository, p.Image) }); j >= 0 {
			return &p.Spec.Containers[i], l[j], true
		}
	}
	return nil, Program{}, false
}

// repository is an image's name without tag and digest.
func repository(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") { // else it is a registry's port
		name = name[:colon]
	}
	return name
}
