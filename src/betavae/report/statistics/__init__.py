"""Statistics of scores over seeds: summaries, exact tests, verdicts."""
