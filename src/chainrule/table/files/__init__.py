"""Files of tables, read and written. Knows no codes and no way to infer a schema."""
