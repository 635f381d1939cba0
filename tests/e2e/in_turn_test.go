package e2e

import (
	"flag"
	"testing"
)

// turns is with how many seeds, one after the other, each test that takes turns
// runs once.
const turns = 4

// inTurn leaves a long test out of most runs: it stays in those whose seed has
// its turn, 0 to 3, in a campaign, and when tests are asked for by name (-run).
// The turns take about as long as each other.
func inTurn(t *testing.T, turn uint64) {
	t.Helper()
	if named := flag.Lookup("test.run"); campaign() || named != nil && named.Value.String() != "" {
		return
	}
	if seed%turns != turn {
		t.Skipf("left out of this run: its turn is with seeds that leave %d when divided by %d, and this is SEED=%d", turn, turns, seed)
	}
}
