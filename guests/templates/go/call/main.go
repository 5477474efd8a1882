//go:build wasip1

package main

import "example.com/{{NAME}}/troupe"

//go:wasmexport greet
func exportGreet() int32 { return troupe.Function(greet) }

func main() {}
