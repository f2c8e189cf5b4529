"""Past rates to future rates: one file per model; `_files` serve all models. No clock, no dice, no I/O; NumPy alone."""
