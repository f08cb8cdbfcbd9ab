"""The command line: arguments in, printing, exit codes. No logic."""
