"""One module an entry (or a family that shares a class): each holds `SPECS`, and is found by being here."""
