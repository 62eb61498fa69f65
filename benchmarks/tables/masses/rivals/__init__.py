"""Rivals, each a script for a Python of its own; see requirements.txt."""
