"""A step of the proto file's import path."""
