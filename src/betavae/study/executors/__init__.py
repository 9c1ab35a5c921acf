"""Where jobs are done: worker processes on this machine (``local``)."""
