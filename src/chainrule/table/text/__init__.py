"""How text writes numbers and dates. Knows no kind of column, no table and no file."""
