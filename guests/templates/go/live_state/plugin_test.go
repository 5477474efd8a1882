package main

import (
	"math"
	"testing"
)

func TestAddingCounts(t *testing.T) {
	state, err := add(Add{By: 2}, State{Count: 40})
	if err != nil || state.Count != 42 {
		t.Errorf("add gives %v, %v", state, err)
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	if _, err := add(Add{By: 1}, State{Count: math.MaxInt64}); err == nil || err.Error() != "too large" {
		t.Errorf("add gives the error %v", err)
	}
}
