"""One small loader per kind of file: `(data, source) -> Parsed`. The table of all of them is `documents.LOADERS`.

A new kind is one file here and one line there; size and emptiness checks are done for all.
"""
