"""How people and programs reach the planner: one package per surface; the command line starts the others.

A surface reads, asks the floors below and shows; it decides nothing.
"""
