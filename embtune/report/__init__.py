"""What a run leaves behind and shows: its directory, its logs, its record, progress, and the model's card."""
