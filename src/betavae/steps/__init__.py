"""Single steps of a study for people who want one thing: train, score, draw a figure, check the installation."""
