// {{NAME}}: a plugin of Troupe. Each export can be called with JSON and returns JSON.
package main

import "fmt"

type Person struct {
	Name string `json:"name"`
}

type Greeting struct {
	Text string `json:"text"`
}

func greet(person Person) (Greeting, error) {
	return Greeting{Text: fmt.Sprintf("Hello, %s!", person.Name)}, nil
}
