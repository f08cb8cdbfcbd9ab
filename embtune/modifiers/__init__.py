"""Objectives around other objectives: shortened embeddings, weighted sums."""
