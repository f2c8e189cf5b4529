"""From forecast and congestion to a plan."""
