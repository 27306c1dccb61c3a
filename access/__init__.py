"""How we log in to mail servers: by a password, or by an access token of Microsoft, Google or another provider.

Promises: tokens and secrets appear in no log and no error; a refresh token is on the disk, whole and private, before
the access token that came with it is used; each failure says what to do about it. Requests to providers have a time
limit.

It does not talk to mail servers, and knows no mail: `ingest` and `notify` log in with what it gives.
"""
