"""File readers, one module a format family. Each is a function from an open file to rows."""
