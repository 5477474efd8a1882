;; A call that does nothing: what is left is the way to an actor and back.
(module (func (export "nothing")))
