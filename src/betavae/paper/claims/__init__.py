"""The claims of the paper, each with its records, statistic and test."""
