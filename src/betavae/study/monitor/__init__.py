"""What a run will cost, how far it is, and what is tracked on the way."""
