//go:build wasip1

package main

import "example.com/{{NAME}}/troupe"

// An event is the export of its name.

//go:wasmexport init
func exportInit() int32 { return troupe.Init(first) }

//go:wasmexport add
func exportAdd() int32 { return troupe.Handler(add) }

//go:wasmexport reset
func exportReset() int32 { return troupe.Init(first) }

func main() {}
