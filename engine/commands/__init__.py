"""What the command does beside profiling a program, one module a subcommand, each with `run(argv) -> exit status`."""
