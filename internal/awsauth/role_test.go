package awsauth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStripPath(t *testing.T) {
	tests := map[string]struct{ arn, want, err string }{
		"no path":             {arn: "arn:aws:iam::012345678901:role/admin", want: "arn:aws:iam::012345678901:role/admin"},
		"a path":              {arn: "arn:aws:iam::012345678901:role/team/dev/admin", want: "arn:aws:iam::012345678901:role/admin"},
		"Identity Center":     {arn: "arn:aws:iam::012345678901:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef", want: "arn:aws:iam::012345678901:role/AWSReservedSSO_Admin_0123456789abcdef"},
		"Identity Center, US": {arn: "arn:aws:iam::012345678901:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef", want: "arn:aws:iam::012345678901:role/AWSReservedSSO_Admin_0123456789abcdef"},
		"a service's role":    {arn: "arn:aws:iam::012345678901:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", want: "arn:aws:iam::012345678901:role/AWSServiceRoleForAmazonEKS"},
		"China":               {arn: "arn:aws-cn:iam::012345678901:role/a/b", want: "arn:aws-cn:iam::012345678901:role/b"},
		"GovCloud":            {arn: "arn:aws-us-gov:iam::012345678901:role/a/b", want: "arn:aws-us-gov:iam::012345678901:role/b"},
		"a new partition":     {arn: "arn:aws-eusc:iam::012345678901:role/a/b", want: "arn:aws-eusc:iam::012345678901:role/b"},
		"odd characters":      {arn: "arn:aws:iam::012345678901:role/p~!/A_b+c=d,e.f@g-1", want: "arn:aws:iam::012345678901:role/A_b+c=d,e.f@g-1"},

		"nothing":                 {err: `"" is no ARN`},
		"a name":                  {arn: "admin", err: `"admin" is no ARN`},
		"an account's root":       {arn: "arn:aws:iam::012345678901:root", err: "is not an IAM role"},
		"a user":                  {arn: "arn:aws:iam::012345678901:user/a/bob", err: "is not an IAM role"},
		"a session":               {arn: "arn:aws:sts::012345678901:assumed-role/admin/bob", err: "is a session, not a role: enter arn:aws:iam::012345678901:role/admin"},
		"an instance profile":     {arn: "arn:aws:iam::012345678901:instance-profile/a", err: "is not an IAM role"},
		"another service's role":  {arn: "arn:aws:eks::012345678901:role/a", err: "is not an IAM role"},
		"a region":                {arn: "arn:aws:iam:eu-west-1:012345678901:role/a", err: "is not an IAM role"},
		"an account of 11 digits": {arn: "arn:aws:iam::12345678901:role/a", err: "no account ID of 12 digits"},
		"no partition":            {arn: "arn::iam::012345678901:role/a", err: "no partition"},
		"no name":                 {arn: "arn:aws:iam::012345678901:role/a/", err: `"" is no name of a role`},
		"a pattern":               {arn: "arn:aws:iam::012345678901:role/e6data-*", err: `"e6data-*" is no name of a role`},
		"a line break":            {arn: "arn:aws:iam::012345678901:role/a\n", err: "is no name of a role"},
		"65 characters":           {arn: "arn:aws:iam::012345678901:role/" + strings.Repeat("a", 65), err: "is no name of a role"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := StripPath(test.arn)
			if got != test.want || !contains(err, test.err) {
				t.Errorf("got %q, error %v; want %q, error %q", got, err, test.want, test.err)
			}
		})
	}
}

// contains tells whether an error has a text; no text means no error.
func contains(err error, text string) bool {
	if err == nil || text == "" {
		return err == nil && text == ""
	}
	return strings.Contains(err.Error(), text)
}

func TestRolesAreChecked(t *testing.T) {
	const arn = "arn:aws:iam::012345678901:role/a"
	tests := map[string]struct {
		role Role
		err  string
	}{
		"a user's ARN":               {Role{ARN: "arn:aws:iam::012345678901:user/a", Username: "u"}, "is not an IAM role"},
		"no user name":               {Role{ARN: arn}, `the user name "" is empty`},
		"a blank at the end":         {Role{ARN: arn, Username: "u "}, "begins or ends with a blank"},
		"a user name of two lines":   {Role{ARN: arn, Username: "u\ngroups: [system:masters]"}, "cannot be printed"},
		"a group of two lines":       {Role{ARN: arn, Username: "u", Groups: []string{"a", "b\u2028- c"}}, "cannot be printed"},
		"an empty group":             {Role{ARN: arn, Username: "u", Groups: []string{""}}, `the group "" is empty`},
		"bytes that are not UTF-8":   {Role{ARN: arn, Username: "u\xff"}, "cannot be printed"},
		"a good one of all but text": {Role{ARN: arn, Username: "{{SessionName}}: # 'x' \"y\"", Groups: []string{"- a", "null", "0123", "{b}", "&c"}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{"", "[]", "- rolearn: x\n", "[{rolearn: x}]"} {
				set, changed, err := SetRole(text, test.role)
				if !contains(err, test.err) || changed != (err == nil) || err != nil && set != text {
					t.Fatalf("changed %t, error %v, want %q", changed, err, test.err)
				}
				if err == nil {
					onlyAdded(t, text, set, test.role)
				}
				if _, _, err := RemoveRole(text, test.role); !contains(err, test.err) {
					t.Fatalf("remove: error %v, want %q", err, test.err)
				}
			}
		})
	}
}

// What aws-auth needs is written, not what the caller had.
func TestPathsAndDoubleGroupsAreLeftOut(t *testing.T) {
	role := Role{ARN: "arn:aws:iam::012345678901:role/team/dev/a", Username: "u", Groups: []string{"x", "z", "x"}}
	set, _, err := SetRole("", role)
	if err != nil {
		t.Fatal(err)
	}
	want := "- rolearn: arn:aws:iam::012345678901:role/a\n  username: u\n  groups:\n    - x\n    - z\n"
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again, changed, err := SetRole(set, role); changed || err != nil {
		t.Errorf("set twice: error %v, text\n%s", err, again)
	}
	if removed, _, err := RemoveRole(set, role); removed != "" || err != nil {
		t.Errorf("removed: error %v, text\n%s", err, removed)
	}
}

func TestEntries(t *testing.T) {
	entries, err := Entries("# roles\n- sso: {}\n-\n  ROLEARN: a\n  username: u\n  groups: [x, 'y']\n- username: nobody\n- {rolearn: b}\n")
	want := []Entry{{Line: 4, Role: Role{ARN: "a", Username: "u", Groups: []string{"x", "y"}}}, {Line: 8, Role: Role{ARN: "b"}}}
	if diff := cmp.Diff(want, entries); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if _, err := Entries("a: b"); !contains(err, "has a map in the place of the list") {
		t.Errorf("error is %v", err)
	}
}
