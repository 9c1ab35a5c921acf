"""What metrics fit: boosted trees, a lasso, a logistic regression."""
