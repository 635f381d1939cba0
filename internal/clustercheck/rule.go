package clustercheck

// Rule is one thing that is checked, by the name in the documentation.
type Rule string

// The rules, in the order in which findings are told.
const (
	RightsMissing   Rule = "rights-missing"
	Unreadable      Rule = "unreadable"
	KubernetesOld   Rule = "kubernetes-too-old"
	KubernetesNew   Rule = "kubernetes-not-tested"
	APIBroken       Rule = "api-broken"
	NamespaceEnding Rule = "namespace-ending"

	KarpenterMissing     Rule = "karpenter-missing"
	KarpenterAutoMode    Rule = "karpenter-auto-mode"
	KarpenterOwn         Rule = "karpenter-of-this-stack"
	KarpenterSeveral     Rule = "karpenter-several"
	KarpenterOld         Rule = "karpenter-too-old"
	KarpenterUnsuited    Rule = "karpenter-not-for-kubernetes"
	KarpenterNoV1        Rule = "karpenter-without-v1"
	KarpenterNotReady    Rule = "karpenter-not-ready"
	KarpenterRole        Rule = "karpenter-other-role"
	KarpenterNew         Rule = "karpenter-not-tested"
	KarpenterNoVersion   Rule = "karpenter-version-unknown"
	KarpenterRoleUnseen  Rule = "karpenter-role-unseen"
	KarpenterPassRole    Rule = "karpenter-pass-role"
	KarpenterPresent     Rule = "karpenter-there"
	KarpenterOther       Rule = "karpenter-of-another-stack"
	KarpenterDefinitions Rule = "karpenter-definitions-taken"
	KarpenterNames       Rule = "karpenter-names-taken"
	NodesMissing         Rule = "nodes-missing"

	BalancerMissing     Rule = "load-balancer-missing"
	BalancerOwn         Rule = "load-balancer-of-this-stack"
	BalancerOld         Rule = "load-balancer-too-old"
	BalancerNotReady    Rule = "load-balancer-not-ready"
	BalancerNoClass     Rule = "load-balancer-without-class"
	BalancerNoKinds     Rule = "load-balancer-without-definitions"
	BalancerNew         Rule = "load-balancer-not-tested"
	BalancerNoVersion   Rule = "load-balancer-version-unknown"
	BalancerPresent     Rule = "load-balancer-there"
	BalancerOther       Rule = "load-balancer-of-another-stack"
	BalancerV1          Rule = "load-balancer-first-version"
	BalancerNames       Rule = "load-balancer-names-taken"
	BalancerKinds       Rule = "load-balancer-definitions-taken"
	BalancerKindsThere  Rule = "load-balancer-definitions-there"
	BalancerPodSecurity Rule = "load-balancer-pod-security"

	WorkspaceRelease Rule = "workspace-release-taken"
	WorkspaceNames   Rule = "workspace-names-taken"
	PoolTaken        Rule = "nodepool-taken"
	QuotaUsedUp      Rule = "quota-used-up"
	QuotaTight       Rule = "quota-scoped-or-own"
	LimitTooSmall    Rule = "limit-too-small"
	LimitThere       Rule = "limit-there"
	PodSecurity      Rule = "pod-security"
	WebhookDead      Rule = "webhook-dead"
)
