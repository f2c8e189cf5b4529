"""Samples kept and put on a grid."""
