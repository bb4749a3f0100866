//go:build !linux

package realcluster

import "syscall"

// dieWithParent asks for nothing: only Linux has a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }
