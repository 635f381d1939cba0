package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// On a terminal the run paints; Ctrl-C typed there gives the terminal back and
// leaves nothing.
func TestALiveRunOnATerminal(t *testing.T) {
	t.Parallel()
	tmp := shortDir(t)
	master, slave := terminal(t, 60, 16)
	cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "run", "--report", filepath.Join(tmp, "report.html"))
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "TERM=xterm", "CI=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	var screen lockedBuffer
	copied := make(chan struct{})
	go func() { _, _ = io.Copy(&screen, master); close(copied) }() // ends with an error when the last process closes the terminal
	eventually(t, "a release runs on the screen", func() bool { return strings.Contains(screen.String(), "Custom::HelmRelease") })
	if _, err := master.WriteString("\x03"); err != nil { // Ctrl-C, as it is typed
		t.Fatal(err)
	}
	if code := exitCodeOf(t, cmd.Wait()); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	<-copied
	text := screen.String()
	const enter, leave = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
	if strings.Count(text, enter) != 1 || strings.Count(text, leave) != 1 {
		t.Errorf("the second screen is entered %d times and left %d times", strings.Count(text, enter), strings.Count(text, leave))
	}
	if _, after, _ := strings.Cut(text, leave); !strings.Contains(after, "✗ create") || !strings.Contains(after, "everything that was started has been stopped") {
		t.Errorf("what is left on the terminal: %q", after)
	}
	eventually(t, "no process is left", func() bool { return len(processesOf(t, tmp)) == 0 })
	if files, err := os.ReadDir(tmp); err != nil || len(files) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", files, err)
	}
}

// lockedBuffer is a buffer that one goroutine reads while another writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// terminal opens a pseudo-terminal of that size (pty(7), ioctl_tty(2)).
func terminal(t *testing.T, columns, rows uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	var number, unlock int32
	ioctl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	size := [4]uint16{rows, columns}
	ioctl(t, master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	return master, slave
}

func ioctl(t *testing.T, f *os.File, request uintptr, argument unsafe.Pointer) {
	t.Helper()
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); e != 0 {
		t.Fatal(e)
	}
}
