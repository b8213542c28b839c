"""Renderers: pure functions from a `ReviewReport` to one text, the same text every time.

Report text is validated before it gets here; each renderer still quotes it for its own sink.
"""
