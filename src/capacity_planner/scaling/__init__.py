"""Plan → world: one file per scaler, each independent of the others.

A scaler carries out one order at a time and says what runs afterwards. It does not decide: limits, cooldowns and modes
are settled before it is asked.
"""
