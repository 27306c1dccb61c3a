"""What may happen to a case: life cycle, terms, references, which receipt may go out, masking.

Pure: no database, no mail, no clock of its own; time and randomness come in as arguments. Promises that the same facts
give the same decision with its reason. It does not know how a case is stored, shown or written about.
"""
