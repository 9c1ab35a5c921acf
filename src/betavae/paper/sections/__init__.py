"""The sections of the paper's report."""
