"""NADE's arithmetic: ``reference`` (the lecture's loops) and ``eager`` (the same numbers, vectorised)."""
