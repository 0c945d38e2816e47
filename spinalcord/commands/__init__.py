"""The subcommands of ``spinalcord``, one module each.

Each module has ``SUMMARY`` (one line, for the list of commands), ``EXAMPLE`` (a command line that
its help shows), ``add_options(parser)`` and ``run(options)``, which returns the exit code. What
several of them share is in `options` (arguments) and `output` (what goes to which stream).
Nothing heavy is imported before a command runs.
"""
