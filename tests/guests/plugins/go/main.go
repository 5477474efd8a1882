//go:build wasip1

// What the tests of the kits call, in Go.
package main

import (
	"errors"
	"strconv"
	"time"

	"example.com/kit-go/troupe"
)

type State struct {
	Text string `json:"text"`
}

type Detail struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

//go:wasmexport init
func exportInit() int32 {
	return troupe.Init(func() (State, error) { return State{}, nil })
}

//go:wasmexport tell
func exportTell() int32 { return troupe.Handler(tell) }

func tell(told State, _ State) (State, error) {
	troupe.Reply("told", Detail{told.Text, 1})
	troupe.Broadcast("all", Detail{told.Text, 2})
	return told, nil
}

//go:wasmexport who
func exportWho() int32 {
	return troupe.Init(func() (State, error) {
		self := troupe.Self()
		return State{self.Address + " " + self.Topic}, nil
	})
}

//go:wasmexport later
func exportLater() int32 { return troupe.Handler(later) }

func later(what State, state State) (State, error) {
	switch what.Text {
	case "publish":
		troupe.Publish("news", "flash", Detail{"ü", 3})
	case "subscribe":
		troupe.Subscribe("news")
	case "send":
		troupe.Send(troupe.Self().Address, "ticked", Detail{"ü", 3})
	case "timer":
		troupe.Timer("tick", 50, "ticked", Detail{"ü", 3})
	case "cancel":
		troupe.Cancel("tick")
	default:
		return state, errors.New("there is no " + what.Text)
	}
	return state, nil
}

//go:wasmexport ticked
func exportTicked() int32 {
	return troupe.Handler(func(what State, _ State) (State, error) {
		return State{"ticked " + what.Text}, nil
	})
}

type Message struct {
	Topic   string `json:"topic"`
	Event   string `json:"event"`
	Payload State  `json:"payload"`
}

//go:wasmexport handle_message
func exportHandleMessage() int32 {
	return troupe.Handler(func(message Message, _ State) (State, error) {
		return State{message.Topic + " " + message.Event + " " + message.Payload.Text}, nil
	})
}

//go:wasmexport crash
func exportCrash() int32 {
	return troupe.Handler(func(what State, _ State) (State, error) {
		list := make([]int, len(what.Text))
		return State{strconv.Itoa(list[3])}, nil
	})
}

//go:wasmexport nap
func exportNap() int32 {
	return troupe.Handler(func(State, State) (State, error) {
		begin := time.Now()
		time.Sleep(2 * time.Second)
		return State{"slept " + time.Since(begin).Truncate(time.Second).String()}, nil
	})
}

//go:wasmexport sumAll
func exportSumAll() int32 {
	return troupe.Function(func(numbers []int64) (int64, error) {
		var sum int64
		for _, number := range numbers {
			sum += number
		}
		return sum, nil
	})
}

func main() {}
