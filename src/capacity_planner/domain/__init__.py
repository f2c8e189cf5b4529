"""The words of the trade: frozen dataclasses and enums. No I/O, no clock, no dice, no formulas."""
