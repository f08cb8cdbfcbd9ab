"""The engine: one step in four moves, a readable loop around it, checkpoints that hold everything trainable.

No file here names a loss. The engine reads an objective's coupling and views, and nothing else of it.
"""
