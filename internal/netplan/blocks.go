package netplan

import (
	"encoding/binary"
	"net/netip"
)

// The block of a VPC falls into eight equal eighths:
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

// PrivateBlocks are the private blocks of the plan's zones, by slot.
func (p Plan) PrivateBlocks() []netip.Prefix { return p.blocks(PrivateBlock) }

// PublicBlocks are the public blocks of the plan's zones, by slot.
func (p Plan) PublicBlocks() []netip.Prefix { return p.blocks(PublicBlock) }

func (p Plan) blocks(of func(netip.Prefix, int) netip.Prefix) []netip.Prefix {
	blocks := make([]netip.Prefix, len(p.Zones))
	for slot := range p.Zones {
		blocks[slot] = of(p.Block, slot)
	}
	return blocks
}
