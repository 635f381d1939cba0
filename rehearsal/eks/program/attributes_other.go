//go:build !linux

package program

import "syscall"

// attributes make a program the first of its process group. Only Linux can tie it
// to this process: elsewhere it survives one that is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
