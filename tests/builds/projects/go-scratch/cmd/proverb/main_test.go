package main

import "testing"

func TestPlain(t *testing.T) {
	if got := plain("Be brief."); got != "Be brief" {
		t.Error(got)
	}
}
