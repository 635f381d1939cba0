package policy

import (
	"slices"
	"testing"
)

var whole = Statement{
	Sid: "Tag", Actions: []string{"ec2:CreateTags", "ec2:DeleteTags"}, Resources: []string{"arn:aws:ec2:*:*:instance/*"},
	Condition: Condition{"StringEquals": {"aws:ResourceTag/owner": {"me"}}},
}

func digest(t *testing.T, s Statement) string {
	t.Helper()
	sum, err := s.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestDigestsSeeEveryPart(t *testing.T) {
	changed := map[string]func(*Statement){
		"Sid":          func(s *Statement) { s.Sid = "Other" },
		"an action":    func(s *Statement) { s.Actions = append(slices.Clone(s.Actions), "ec2:RunInstances") },
		"the resource": func(s *Statement) { s.Resources = []string{"*"} },
		"no condition": func(s *Statement) { s.Condition = nil },
		"a value":      func(s *Statement) { s.Condition = Condition{"StringEquals": {"aws:ResourceTag/owner": {"you"}}} },
		"an operator":  func(s *Statement) { s.Condition = Condition{"StringLike": {"aws:ResourceTag/owner": {"me"}}} },
	}
	for name, change := range changed {
		other := whole
		change(&other)
		if digest(t, other) == digest(t, whole) {
			t.Errorf("%s: the change is not seen", name)
		}
	}
}

func TestDigestsDoNotSeeTheWriting(t *testing.T) {
	_, sum, err := Digest([]byte(`{"Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"me"}},
		"Action":["ec2:CreateTags","ec2:DeleteTags"],"Effect":"Allow","Sid":"Tag"}`))
	if err != nil || sum != digest(t, whole) {
		t.Errorf("another digest (%v)", err)
	}
	if _, _, err := Digest([]byte(`{"Action":1}`)); err == nil {
		t.Error("a number is taken for an action")
	}
}
