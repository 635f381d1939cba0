package contract

// NetworkPlan are the properties of Custom::NetworkPlan: which Availability
// Zones and address blocks a new VPC gets.
type NetworkPlan struct {
	// VpcCidr is the VPC's IPv4 block, /16 to /21.
	VpcCidr string `json:"VpcCidr"`
	// ExcludedAvailabilityZones are zone names (us-east-1e) or zone IDs
	// (use1-az3) never to be used. Empty entries are ignored.
	ExcludedAvailabilityZones []string `json:"ExcludedAvailabilityZones,omitempty"`
}

// NetworkPlanData is the plan. The lists are comma-joined and always
// NetworkSlots long: a slot that is not used is empty. So a nested stack can
// select slot n without knowing how many there are.
type NetworkPlanData struct {
	AvailabilityZones  string `json:"AvailabilityZones"`
	PublicSubnetCidrs  string `json:"PublicSubnetCidrs"`
	PrivateSubnetCidrs string `json:"PrivateSubnetCidrs"`
	// ZoneCount is the number of used slots, 2 to NetworkSlots.
	ZoneCount int `json:"ZoneCount"`
}

// NetworkSlots is the number of zones a network has room for. It never
// changes: the blocks of a zone follow from its slot.
const NetworkSlots = 6
