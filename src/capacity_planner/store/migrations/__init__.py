"""The steps that bring the tables of an older version up: one file each, never changed once it is published."""
