// Package quickcreatetest reads quick-create links as the console does, for tests.
package quickcreatetest

import (
	"net/url"
	"strings"
	"testing"
)

// FilledIn are the fields of the console's form that a link fills in.
func FilledIn(t *testing.T, link string) url.Values {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	_, query, found := strings.Cut(u.Fragment, "/stacks/create/review?")
	if !found {
		t.Fatalf("no quick-create link: %q", link)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
