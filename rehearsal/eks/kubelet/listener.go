package kubelet

import (
	"context"
	"net"
)

// handed is a listener for connections that somebody else has accepted.
type handed struct {
	ctx   context.Context // net.Listener has no other way to end with it
	conns chan net.Conn
}

func newHanded(ctx context.Context) *handed {
	return &handed{ctx: ctx, conns: make(chan net.Conn)}
}

func (h *handed) hand(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.ctx.Done():
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; the listener ends with its context.
func (h *handed) Close() error { return nil }

// Addr implements net.Listener.
func (h *handed) Addr() net.Addr { return &net.UnixAddr{Name: "kubelet", Net: "unix"} }
