"""The subcommands by subject; everything heavy is imported when a command runs."""
