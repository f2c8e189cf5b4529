"""Past rates to future rates."""
