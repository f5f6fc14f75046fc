"""The command line: each command reads its flags, calls one function and tells what came of it."""
