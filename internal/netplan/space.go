package netplan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Space is what an existing VPC has: its IPv4 blocks, and what subnets take of
// them.
type Space struct{ Blocks, Taken []netip.Prefix }

// Sizes in an existing VPC, in bits of the prefix: those that a new VPC of /16
// to /21 has. A public block is an eighth of a private one.
const (
	biggestPrivate  = biggest + privateBits
	smallestPrivate = smallest + privateBits
	smallestSubnet  = 28 // that EC2 makes
)

func publicOf(private int) int { return private + publicBits - privateBits }

// Free are the largest blocks that no subnet touches, in the order of their
// addresses. None of them can be joined with another.
func (s Space) Free() []netip.Prefix {
	var free []netip.Prefix
	for _, b := range s.Blocks {
		free = append(free, s.freeIn(b.Masked())...)
	}
	slices.SortFunc(free, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return free
}

func (s Space) freeIn(b netip.Prefix) []netip.Prefix {
	touched := false
	for _, t := range s.Taken {
		if t.Bits() <= b.Bits() && t.Overlaps(b) {
			return nil
		}
		touched = touched || t.Overlaps(b)
	}
	switch {
	case !touched:
		return []netip.Prefix{b}
	case b.Bits() == smallestSubnet:
		return nil
	}
	return append(s.freeIn(part(b, 1, 0)), s.freeIn(part(b, 1, 1))...)
}

// fit finds a private and a public block for each of n zones: of one size, as
// large as there is room for, with room for all slots if that is possible, so
// that zones can be added later.
func (s Space) fit(n int) (private, public []netip.Prefix, ok bool) {
	for _, slots := range []int{Slots, n} {
		for bits := biggestPrivate; bits <= smallestPrivate; bits++ {
			free := s.Free()
			private, free = take(free, bits, slots)
			public, _ = take(free, publicOf(bits), slots)
			if len(private) == slots && len(public) == slots {
				return private[:n], public[:n], true
			}
		}
	}
	return nil, nil, false
}

// one finds the blocks of one further zone, the private one of the given size
// or smaller.
func (s Space) one(bits int) (private, public netip.Prefix, ok bool) {
	for ; bits <= smallestPrivate; bits++ {
		big, free := take(s.Free(), bits, 1)
		small, _ := take(free, publicOf(bits), 1)
		if len(big) == 1 && len(small) == 1 {
			return big[0], small[0], true
		}
	}
	return netip.Prefix{}, netip.Prefix{}, false
}

// take cuts up to n blocks of a size out of free ones, each out of the smallest
// that has it: so none is cut that is needed whole. It returns what is left.
func take(free []netip.Prefix, bits, n int) (taken, left []netip.Prefix) {
	left = slices.Clone(free)
	for range n {
		best := -1
		for i, f := range left {
			if f.Bits() <= bits && (best < 0 || f.Bits() > left[best].Bits()) {
				best = i
			}
		}
		if best < 0 {
			return taken, left
		}
		b := left[best]
		left = slices.Delete(left, best, best+1)
		for b.Bits() < bits {
			left = slices.Insert(left, best, part(b, 1, 1))
			b = part(b, 1, 0)
		}
		taken = append(taken, b)
	}
	return taken, left
}

// shown is how many free blocks an error names.
const shown = 8

// String names the largest free blocks.
func (s Space) String() string {
	free := s.Free()
	slices.SortStableFunc(free, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
	texts := make([]string, 0, len(free))
	for _, f := range free[:min(shown, len(free))] {
		texts = append(texts, f.String())
	}
	switch {
	case len(free) == 0:
		return "no addresses at all"
	case len(free) > shown:
		return strings.Join(texts, ", ") + fmt.Sprintf(" and %d blocks that are not larger", len(free)-shown)
	}
	return strings.Join(texts, ", ")
}
