"""Encrypted and signed mail: recognised by a reader, opened and checked in a child of its own, joined to one mail."""
