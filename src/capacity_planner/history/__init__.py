"""Keeps samples and puts them on an even grid. No forecasting, no planning."""
