package main

import "testing"

func TestTheGreetingHasTheName(t *testing.T) {
	greeting, err := greet(Person{Name: "Ada"})
	if err != nil || greeting.Text != "Hello, Ada!" {
		t.Errorf("greet gives %v, %v", greeting, err)
	}
}
