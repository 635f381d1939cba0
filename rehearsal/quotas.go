package rehearsal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/e6data/aws-quickstart/internal/preflight"
)

// roomyQuotas is what an account of a rehearsal has asked for: several networks
// and clusters beside each other. A new account's five of each are soon used up.
const roomyQuotas = 500

// raiseQuotas asks for more of what a launch counts.
func (e *Environment) raiseQuotas(ctx context.Context) error {
	client := servicequotas.NewFromConfig(e.AWSConfig())
	quotas := []preflight.Quota{preflight.VPCsPerRegion, preflight.GatewaysPerRegion, preflight.NATsPerZone, preflight.ElasticIPs}
	for _, spot := range []bool{false, true} {
		if q, known := preflight.QuotaOf("m7g.large", spot); known {
			quotas = append(quotas, q)
		}
	}
	for _, q := range quotas {
		_, err := client.RequestServiceQuotaIncrease(ctx, &servicequotas.RequestServiceQuotaIncreaseInput{
			ServiceCode: &q.Service, QuotaCode: &q.Code, DesiredValue: aws.Float64(roomyQuotas),
		})
		if err != nil {
			return fmt.Errorf("raise the account's quota %s: %w", q.Name, err)
		}
	}
	return nil
}
