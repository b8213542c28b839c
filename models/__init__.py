"""What things are and the pure rules about them: no I/O, no clock, no randomness, no global state.

Data and behaviour live together: a rule stands beside the type it is about. Import from the module that defines.
"""
