"""NADE's arithmetic: the lecture's loops in ``reference``, and three faster forms of them."""
