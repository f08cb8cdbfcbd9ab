"""Text embedders: finding and reading models, turning texts into vectors, saving them in the classic layout."""
