"""Objectives: pure functions of embeddings and labels, a file a concept. They never run a model."""
