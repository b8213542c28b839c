"""Programs that read untrusted code and reports inside the sandbox, and the rules they apply.

Nothing here may be imported by the worker for its effect on a source: the worker starts these files as programs of their
own and reads one JSON answer from their standard output.
"""
