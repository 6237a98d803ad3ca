"""One module per command, each with a click command named `command` that returns a Result."""
