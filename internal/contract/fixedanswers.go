package contract

// FixedAnswers are the properties of Custom::FixedAnswers: the answers to
// parameters that a stack keeps for life, because a change would replace the
// cluster, the network or what runs on them; and those whose mistakes show in
// their text, once it is known where the stack is.
type FixedAnswers struct {
	// Answers is a JSON object text: the name of each parameter that is kept for
	// life and its value, as text.
	Answers string `json:"Answers"`
	// Checked is the same for the parameters that internal/answers looks at;
	// lists are comma-separated. Empty: none is looked at.
	Checked string `json:"Checked,omitempty"`
	// Partition, Region and AccountID say where the stack is.
	Partition string `json:"Partition,omitempty"`
	Region    string `json:"Region,omitempty"`
	AccountID string `json:"AccountId,omitempty"`
}

// FixedAnswersData is what Fn::GetAtt can read from a Custom::FixedAnswers:
// nothing.
type FixedAnswersData struct{}
