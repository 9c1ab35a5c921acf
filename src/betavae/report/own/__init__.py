"""The report of any study: every question by setting and seed, what was asked along training, pictures, claims."""
