// Package troupe has Troupe's words for plugins in Go: handlers of values that encoding/json can read and write, and
// what a plugin says to its server.
//
// A copy of this folder is part of your plugin. github.com/extism/go-pdk beside it has Extism's own functions: HTTP,
// variables, configuration, log.
package troupe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Handler makes an export of a function of an event: it gets what the client sent and the state, and returns the new
// state.
//
//	//go:wasmexport add
//	func exportAdd() int32 { return troupe.Handler(add) }
//
// The input of the call is JSON, an array of the arguments; the result is the output, as JSON. An error is the error of
// the call: the client gets its text. So does a panic, with its text.
func Handler[Payload, State, R any](f func(Payload, State) (R, error)) int32 {
	return run(func(input []byte) (any, error) {
		var payload Payload
		var state State
		if err := arguments(input, &payload, &state); err != nil {
			return nil, err
		}
		return f(payload, state)
	})
}

// Function makes an export of a function of one value: the only element of an array, or the whole of any other input.
func Function[Value, R any](f func(Value) (R, error)) int32 {
	return run(func(input []byte) (any, error) {
		var value Value
		var err error
		if trimmed := bytes.TrimLeft(input, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
			err = arguments(input, &value)
		} else {
			err = fit(input, &value)
		}
		if err != nil {
			return nil, err
		}
		return f(value)
	})
}

// Init makes an export of a function of nothing, such as the one that gives the first state.
func Init[R any](f func() (R, error)) int32 {
	return run(func([]byte) (any, error) { return f() })
}

// SelfInfo says who is called, and by whom.
type SelfInfo struct {
	// The actor: <plugin>/<key>.
	Address string `json:"address"`
	// The version of the plugin's code.
	Version string `json:"version"`
	// The viewer whose event this is; nil when no viewer caused the turn.
	Viewer *Viewer `json:"viewer"`
	// The topic the viewer has joined.
	Topic string `json:"topic"`
	// The parameters of that join.
	Params json.RawMessage `json:"params"`
}

// Viewer is one who has joined.
type Viewer struct {
	ID string `json:"id"`
}

// Self says who is called, and by whom.
func Self() SelfInfo {
	var self SelfInfo
	if err := json.Unmarshal(askSelf(), &self); err != nil {
		panic(err)
	}
	return self
}

// Reply sends an event to the client whose event this is, after the turn is committed. The detail is a JSON object.
func Reply(name string, detail any) {
	tell("reply", map[string]any{"name": name, "detail": detail})
}

// Broadcast sends an event to all viewers of this actor, after the turn is committed. The detail is a JSON object.
func Broadcast(name string, detail any) {
	tell("broadcast", map[string]any{"name": name, "detail": detail})
}

// Publish sends an event to all actors that are subscribed to the topic; they get it as handle_message.
func Publish(topic, event string, payload any) {
	tell("publish", map[string]any{"topic": topic, "event": event, "payload": payload})
}

// Subscribe: from now on this actor gets what is published to the topic.
func Subscribe(topic string) {
	tell("subscribe", map[string]any{"topic": topic})
}

// Send sends an event to the actor with that address.
func Send(to, event string, payload any) {
	tell("send", map[string]any{"to": to, "event": event, "payload": payload})
}

// Timer sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name replaces it.
func Timer(name string, afterMs int64, event string, payload any) {
	tell("timer", map[string]any{"name": name, "after_ms": afterMs, "event": event, "payload": payload})
}

// Cancel forgets the timer of that name, if there is one.
func Cancel(name string) {
	tell("cancel", map[string]any{"name": name})
}

func tell(function string, what map[string]any) {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	tellHost(function, text)
}

func run(handle func(input []byte) (any, error)) (status int32) {
	defer func() {
		if what := recover(); what != nil {
			status = fail(fmt.Sprint(what))
		}
	}()
	result, err := handle(input())
	if err != nil {
		return fail(err.Error())
	}
	text, err := json.Marshal(result)
	if err != nil {
		return fail("the result is no JSON: " + err.Error())
	}
	output(text)
	return 0
}

// arguments reads an array into values; there may be more than are asked for.
func arguments(input []byte, values ...any) error {
	var list []json.RawMessage
	if err := fit(input, &list); err != nil {
		return err
	}
	if len(list) < len(values) {
		return errors.New("the input does not fit: an argument is missing")
	}
	for i, value := range values {
		if err := fit(list[i], value); err != nil {
			return err
		}
	}
	return nil
}

func fit(text []byte, value any) error {
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("the input does not fit: %w", err)
	}
	return nil
}
