"""The code of the conversions, a file a kind of source. `embtune.catalog.conversions` is the table of them.

Each is a function of rows, whose columns are named as their roles, and of a `Step`; it yields rows of its target. What
can be made row by row is, in constant memory; what needs other rows holds them as integer ids of distinct texts.
Draws depend on the seed and on texts (`draws.py`), so that the order of the rows decides nothing but the order of what
is made. No text is ever made up, and no negative equals its anchor or one of the anchor's positives.
"""
