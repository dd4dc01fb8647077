"""AWS on one machine: the sandbox in which the quorate program runs unchanged."""
