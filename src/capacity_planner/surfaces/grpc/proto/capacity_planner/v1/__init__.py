"""The first version of the API: the proto file, and the stubs that are made of it, for Python clients too.

``.ci/protos.py`` writes the stubs; nothing here but the proto file is written by hand.
"""
