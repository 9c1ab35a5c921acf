"""What is done for one job: training, fitting, asking, checkpointing."""
