"""The text of the files in a mail, one module a format. Runs in a reader; see docs/decisions/0011-attachments.md."""
