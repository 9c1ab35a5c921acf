"""The paper's study: its cells and questions, its published numbers, its claims, its report."""
