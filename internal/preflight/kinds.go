package preflight

// Kinds are all kinds, the most important first: what no other answer to a
// parameter can change stands before what a typing mistake can be.
var Kinds = []*Kind{
	serviceControlPolicy,
	partitionMismatch,

	versionNotOffered, versionUnsupported, versionExtended, versionDown, versionJump, oneWayWithOthers,

	clusterNameTaken, logGroupExists,
	clusterMissing, clusterNotActive, clusterVersionUnsupported, clusterWithoutIssuer, clusterOutOfReach,
	installerRoleTaken, adminRoleMissing, adminRoleTrust, karpenterRoleMissing,

	vpcMissing, vpcNotAvailable, vpcDNSSupport, vpcDNSHostnames, vpcNoRoom,
	subnetMissing, subnetElsewhere, subnetsInOneZone, subnetZoneRefused, subnetZoneExcluded,
	subnetTwice, subnetFull, publicSubnetFull,
	subnetBlackhole, subnetPublic, subnetNoWayOut, publicSubnetPrivate,

	zonesTooFew, zoneUnknown, zoneNotAdded,

	quotaVPCs, quotaGateways, quotaNATs, quotaAddresses, quotaOnDemand, quotaSpot,

	familiesNotOffered, familyArchitecture, nodeGroupType,

	principalMissing, boundaryMissing, boundaryElsewhere,
	keyMissing, keyElsewhere, keyNotEnabled, keyWrongKind, keyPolicyClosed,
	chartBucketMissing, chartBucketElsewhere, chartMissing,

	// Notes.
	clusterByMap, vpcNameServers, subnetS3, zoneOfAnotherRegion, familyNotOffered,
	keyPolicyUnread, chartsUnread, linkedRoleMissing, factUnread,
}
