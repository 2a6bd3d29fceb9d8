"""Evaluation: questions with marked answers, and what strategies make of them."""
