"""How people and programs reach the planner: one package per surface, each independent of the others.

A surface reads, asks the pipeline and shows; it decides nothing.
"""
