"""One command of ``splatwm`` per file: a typed dataclass whose fields are the flags and whose ``run`` does it."""
