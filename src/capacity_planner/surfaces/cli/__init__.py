"""The command line: one file per command; what they share begins with an underscore.

Importing any of these files imports neither NumPy nor pydantic: what a command needs, it imports when it runs.
"""
