"""Forecast and congestion to a plan: demand, staffing (the one inverse), schedule, confidence, cost, rationale.

Pure: no clock, no dice, no I/O.
"""
