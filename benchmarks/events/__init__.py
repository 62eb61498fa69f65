"""How well events are answered: cardinalities of a table, contradictions, errors, seconds."""
