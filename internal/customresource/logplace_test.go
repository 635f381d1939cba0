package customresource

import "testing"

func TestLogPlaceIsFoundInItsReason(t *testing.T) {
	for _, p := range []LogPlace{
		{Group: "e6data-HelmInstallerLogGroup-1X"},
		{Group: "/aws/lambda/f", Stream: "2026/11/26/[$LATEST]0a1b"},
		{Group: "g", Stream: "2026/11/26/f[$LATEST]0a1b", Request: "5c1d-77"},
		{Group: "g", Request: "5c1d-77"},
	} {
		got, ok := FindLogPlace("Received response status [FAILED] from custom resource. Message returned: no (really)" + p.String() + " (RequestId: 1)")
		if !ok || got != p {
			t.Errorf("found %+v, %v; want %+v", got, ok, p)
		}
	}
	if got, ok := FindLogPlace("no place" + LogPlace{}.String()); ok {
		t.Errorf("found %+v where there is none", got)
	}
}
