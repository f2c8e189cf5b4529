"""Arrivals, workers and service times → what happens to every job. Dice come in as an argument; no clock, no disk."""
