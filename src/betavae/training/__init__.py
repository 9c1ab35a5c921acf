"""Training: one member (``single``), many members (``population``), and what survives a crash (``checkpoint``)."""
