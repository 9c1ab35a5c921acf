"""The objectives by name."""
