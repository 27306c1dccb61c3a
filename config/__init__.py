"""What an installation sets, and the words that all parts share.

`settings` reads one TOML file (environment variables override it), `secrets` reads what must never stand in that file,
`taxonomy` names kinds, categories, severities and fields. Promises: a setting that makes no sense is refused at the
start with a sentence that says what to do; a secret is read only by the process that asks for it by name, and never
printed. It does no other I/O and knows no other part.
"""
