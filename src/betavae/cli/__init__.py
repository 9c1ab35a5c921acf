"""The command `betavae`: one file a verb, with its arguments and its act."""
