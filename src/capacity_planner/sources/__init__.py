"""World → `Metrics`: one file per source, each independent of the others.

A source reads what was measured and says how it read it. It does not resample, repair or forecast: a gap stays a gap,
and what could be a slip (a naive time, a bare duration, an epoch) is refused with the remedy.
"""
