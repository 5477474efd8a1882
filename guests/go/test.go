//go:build !wasip1

package troupe

// In `go test` there is no server: what would be sent is kept for the test.

// Sent has what the functions of this package were told so far.
var Sent []Message

// Message is one call: the function's name in lower case, and its JSON.
type Message struct {
	Function string
	JSON     string
}

func tellHost(function string, what []byte) {
	Sent = append(Sent, Message{function, string(what)})
}

func askSelf() []byte { return []byte(`{"address":"test/test","version":"test"}`) }

func input() []byte { return nil }

func output([]byte) {}

func fail(string) int32 { return 1 }
