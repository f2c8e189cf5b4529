"""The control laws of what users run, by hand-worked cases of their documentation."""
