"""What a person sees in the terminal: the report as a table, and progress while it is made.

The command line imports these modules when it has something to show, so that `--help` never waits for them.
"""
