"""Programs that read untrusted code and reports inside the sandbox, and the rules they apply.

The worker starts these files as programs of their own and reads one JSON answer from their standard output. It imports
none of them but those that only look at paths.
"""
