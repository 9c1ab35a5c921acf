"""What the drawn datasets are drawn with: outlines, a room, an arm and its camera."""
