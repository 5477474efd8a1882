//go:build wasip1

package troupe

import "github.com/extism/go-pdk"

//go:wasmimport extism:host/user troupe_self
func hostSelf() uint64

//go:wasmimport extism:host/user troupe_reply
func hostReply(what uint64)

//go:wasmimport extism:host/user troupe_broadcast
func hostBroadcast(what uint64)

//go:wasmimport extism:host/user troupe_publish
func hostPublish(what uint64)

//go:wasmimport extism:host/user troupe_subscribe
func hostSubscribe(what uint64)

//go:wasmimport extism:host/user troupe_send
func hostSend(what uint64)

//go:wasmimport extism:host/user troupe_timer
func hostTimer(what uint64)

//go:wasmimport extism:host/user troupe_cancel
func hostCancel(what uint64)

func tellHost(function string, what []byte) {
	memory := pdk.AllocateBytes(what)
	offset := memory.Offset()
	switch function {
	case "reply":
		hostReply(offset)
	case "broadcast":
		hostBroadcast(offset)
	case "publish":
		hostPublish(offset)
	case "subscribe":
		hostSubscribe(offset)
	case "send":
		hostSend(offset)
	case "timer":
		hostTimer(offset)
	default:
		hostCancel(offset)
	}
}

func askSelf() []byte {
	memory := pdk.FindMemory(hostSelf())
	return memory.ReadBytes()
}

func input() []byte { return pdk.Input() }

func output(text []byte) { pdk.Output(text) }

func fail(text string) int32 {
	pdk.SetErrorString(text)
	return 1
}
