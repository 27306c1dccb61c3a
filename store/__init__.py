"""Memory: sealed cases, and what must not be forgotten about them.

Promises: no content, name or address is ever written but sealed to a public key; who holds the database and what the
daemon knows opens nothing; one mail is one message and one queued mail is sent once (twice at most, in one window,
with the same Message-ID), whatever crashes; every change is one transaction.

It does not: read mail, decide what a mail means, send anything, or know who may look at what beyond which keys a
person holds.
"""
