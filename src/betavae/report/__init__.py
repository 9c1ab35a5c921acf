"""Records in, pages out; nothing here trains, loads a dataset or imports PyTorch."""
