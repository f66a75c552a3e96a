"""The command line: thin; each command turns words into one call of the library and prints what came back."""
