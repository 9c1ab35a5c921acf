"""Fréchet distances: features of a frozen network, their moments, the distance between two."""
