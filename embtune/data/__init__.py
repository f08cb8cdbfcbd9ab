"""Reading: files to rows, rows to examples, examples to batches and token ids. Torch-free, numpy only."""
