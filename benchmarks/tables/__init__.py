"""Tables as people have them: which rules of a fit hold, and what it takes."""
