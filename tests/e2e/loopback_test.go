package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every process of an environment, with all its controllers, listens on
// 127.0.0.1 and nowhere else.
func TestEverythingListensOnLoopback(t *testing.T) {
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("only Linux tells here who listens where")
	}
	t.Parallel()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	programs := map[string]bool{}
	for _, process := range processesOf(t, d.StateDir) {
		pid, command, _ := strings.Cut(process, " ")
		program := filepath.Base(strings.Fields(command)[0])
		for _, address := range listens("/proc/" + pid) {
			programs[program] = true
			if !strings.HasPrefix(address, "0100007F:") {
				t.Errorf("%s listens on %s (hexadecimal, as /proc has it)", program, address)
			}
		}
	}
	for _, want := range []string{"python", "localkube", "karpenter"} {
		if !programs[want] {
			t.Errorf("%s does not listen: this test looks at the wrong processes, %v", want, programs)
		}
	}
}

// listens are the TCP addresses on which a process listens.
func listens(pid string) (addresses []string) {
	var inodes []string
	descriptors, _ := filepath.Glob(filepath.Join(pid, "fd", "*"))
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes = append(inodes, strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]"))
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(pid, "net", table))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(text), "\n")[1:] {
			fields := strings.Fields(line)
			const listening = "0A"
			if len(fields) > 9 && fields[3] == listening && slices.Contains(inodes, fields[9]) {
				addresses = append(addresses, fields[1])
			}
		}
	}
	return addresses
}
