"""Speed, memory and equality at any size; see ``ask`` and ``engines``."""
