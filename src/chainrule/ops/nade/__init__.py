"""NADE's arithmetic: ``reference`` (the lecture's loops), three faster forms of the same numbers, and ``dispatch`` to them."""
