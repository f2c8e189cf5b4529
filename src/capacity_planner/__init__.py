"""How many workers, when, at what cost, and how sure are we?"""
