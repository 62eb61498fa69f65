"""Files of tables, read and written. Knows no container but polars, and no model."""
