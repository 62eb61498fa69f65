"""Values of cells and their types. Knows no column, no container and no file."""
