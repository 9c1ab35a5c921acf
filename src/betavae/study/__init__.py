"""Studies: cells and questions as plain data, files that say them, stores of what became of them, and their runs."""
