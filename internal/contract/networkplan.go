package contract

// NetworkPlan are the properties of Custom::NetworkPlan: which Availability
// Zones and address blocks a workspace's network gets. Either VpcCidr or VpcID
// is given. Empty entries of lists are ignored.
type NetworkPlan struct {
	// VpcCidr is the IPv4 block of a new VPC, /16 to /21.
	VpcCidr string `json:"VpcCidr,omitempty"`
	// VpcID is an existing VPC.
	VpcID string `json:"VpcId,omitempty"`
	// PrivateSubnetIDs are subnets of the existing VPC to use as they are. With
	// none, free address blocks are found for subnets of our own.
	PrivateSubnetIDs []string `json:"PrivateSubnetIds,omitempty"`
	// PublicSubnetIDs are the customer's public subnets; only with private ones.
	PublicSubnetIDs []string `json:"PublicSubnetIds,omitempty"`
	// ExcludedAvailabilityZones are zone names (us-east-1e) or zone IDs
	// (use1-az3) never to be used.
	ExcludedAvailabilityZones []string `json:"ExcludedAvailabilityZones,omitempty"`
	// AdditionalAvailabilityZones are names or IDs of zones with subnets for
	// Karpenter's nodes only. They can be added to a network that exists.
	AdditionalAvailabilityZones []string `json:"AdditionalAvailabilityZones,omitempty"`

	// The rest tells what subnets that are given have to reach.

	// HTTPSProxy is the customer's proxy. With one, subnets need no way out of
	// the VPC.
	HTTPSProxy string `json:"HttpsProxy,omitempty"`
	// ChartSource and ImageRegistry are the parameters' answers: "Public" and
	// empty mean places on the internet.
	ChartSource   string `json:"ChartSource,omitempty"`
	ImageRegistry string `json:"ImageRegistry,omitempty"`
}

// NetworkPlanData is the plan. An attribute without a value is empty, never
// missing.
//
// The first four are for the nested stack that makes the subnets: comma-joined
// and always NetworkSlots long, a slot that is not used is empty. So it can
// select slot n without knowing how many there are. With subnets given, all
// slots are empty.
type NetworkPlanData struct {
	AvailabilityZones string `json:"AvailabilityZones"`
	// ClusterAvailabilityZones is the same without the additional zones.
	ClusterAvailabilityZones string `json:"ClusterAvailabilityZones"`
	PublicSubnetCidrs        string `json:"PublicSubnetCidrs"`
	PrivateSubnetCidrs       string `json:"PrivateSubnetCidrs"`
	// InternetGatewayID is the one that the existing VPC had.
	InternetGatewayID string `json:"InternetGatewayId"`

	// The rest is for subnets that were given, each list comma-joined and
	// without empty places.
	VpcID string `json:"VpcId"`
	// PrivateSubnetIDs are the cluster's: an update does not change them.
	PrivateSubnetIDs string `json:"PrivateSubnetIds"`
	// NodeSubnetIDs are all private subnets, Zones their zones.
	NodeSubnetIDs   string `json:"NodeSubnetIds"`
	PublicSubnetIDs string `json:"PublicSubnetIds"`
	Zones           string `json:"Zones"`
}

// NetworkSlots is the number of zones a network has room for. It never
// changes: in a new VPC the blocks of a zone follow from its slot.
const NetworkSlots = 6
