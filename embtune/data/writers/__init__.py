"""Sinks for rows, a file a format; `embtune.data.writing` chooses one by the name of the file."""
