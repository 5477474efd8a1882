// {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.
package main

import (
	"errors"
	"math"
)

type State struct {
	Count int64 `json:"count"`
}

type Add struct {
	By int64 `json:"by"`
}

// first gives the state before the first event.
func first() (State, error) {
	return State{}, nil
}

// add gets what the page sent and the state, and returns the new state. An error is shown to the sender alone, and the
// state stays as it was.
func add(event Add, state State) (State, error) {
	if event.By > 0 && state.Count > math.MaxInt64-event.By || event.By < 0 && state.Count < math.MinInt64-event.By {
		return State{}, errors.New("too large")
	}
	state.Count += event.By
	return state, nil
}
