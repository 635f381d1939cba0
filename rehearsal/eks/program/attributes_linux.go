package program

import "syscall"

// attributes make a program the first of its process group, which ends with this
// process, however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
