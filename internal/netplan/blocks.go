package netplan

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// The block of a new VPC falls into eight equal eighths:
//
//	eighth   0   1   2   3   4   5  |  6                          | 7
//	use     private blocks, slot 0-5 | public blocks, slot 0-5, in  | free
//	                                 | its first six eighths        |
//
// So a private block is an eighth of the VPC (/16: /19, 8,187 addresses; /21:
// /24, 251) and a public one a sixty-fourth (/16: /22; /21: /27, the smallest
// subnet that takes an Application Load Balancer). EC2 keeps five addresses of
// each for itself; EKS asks for six free ones. The rest (eighth 7 and a quarter
// of eighth 6) stays free for what a customer adds.
const (
	privateBits  = 3
	publicBits   = 6
	publicEighth = 6
)

// PrivateBlock is the private block of a slot, 0 to Slots-1. It depends on
// nothing but the VPC's block and the slot.
func PrivateBlock(vpc netip.Prefix, slot int) netip.Prefix {
	return part(vpc, privateBits, slot)
}

// PublicBlock is the public block of a slot, 0 to Slots-1.
func PublicBlock(vpc netip.Prefix, slot int) netip.Prefix {
	return part(vpc, publicBits, publicEighth<<(publicBits-privateBits)+slot)
}

// part divides block into 2^bits equal parts and returns the one with index i.
func part(block netip.Prefix, bits, i int) netip.Prefix {
	length := block.Bits() + bits
	base := block.Masked().Addr().As4()
	start := uint64(binary.BigEndian.Uint32(base[:])) + uint64(i)<<(32-length) //nolint:gosec // both are small and not negative
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], uint32(start)) //nolint:gosec // a part lies inside its block
	return netip.PrefixFrom(netip.AddrFrom4(addr), length)
}

// reserved are the ranges that EC2 takes for no VPC
// (vpc/latest/userguide/vpc-cidr-blocks.html).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// Sizes of a VPC's block, in bits of its prefix. EC2 allows nothing bigger; in a
// smaller one the public blocks would be too small for a load balancer.
const (
	biggest  = 16
	smallest = 21
)

// ParseBlock reads a new VPC's IPv4 block, ADDRESS/BITS with 16 to 21 bits. Bits
// of the address behind the prefix are dropped, as EC2 does.
func ParseBlock(text string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(strings.TrimSpace(text))
	switch {
	case err != nil || !block.Addr().Is4():
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv4 block such as 10.200.0.0/16", text)
	case block.Bits() < biggest || block.Bits() > smallest:
		return netip.Prefix{}, fmt.Errorf("%s is a /%d: a VPC block from /%d to /%d is wanted", block, block.Bits(), biggest, smallest)
	}
	for _, r := range reserved {
		if r.Overlaps(block) {
			return netip.Prefix{}, fmt.Errorf("%s lies in %s, which EC2 accepts for no VPC", block, r)
		}
	}
	return block.Masked(), nil
}
