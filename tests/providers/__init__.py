"""A scripted model provider: real HTTP on the loopback, in a test or as a process of its own."""
