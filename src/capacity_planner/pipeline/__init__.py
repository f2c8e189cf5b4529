"""The only room that knows the order of the stages: metrics → forecast → queueing → plan, and their settings."""
