package contract

// FixedAnswers are the properties of Custom::FixedAnswers: the answers to
// parameters that a stack keeps for life, because a change would replace the
// cluster, the network or what runs on them.
type FixedAnswers struct {
	// Answers is a JSON object text: the name of each such parameter and its
	// value, as text.
	Answers string `json:"Answers"`
}

// FixedAnswersData is what Fn::GetAtt can read from a Custom::FixedAnswers:
// nothing.
type FixedAnswersData struct{}
