"""Mail out: composing receipts, reminders and notices from templates, the sender, and the schedule.

Promises
- A mail that Meldpost writes by itself consists of template text, the reference, dates, names of fields and the desk's
  own settings. Nothing that a reporter wrote is an argument of any function that composes (`compose`).
- Text and HTML come from one list of blocks (`document`), so that they cannot differ.
- Nothing on the outside (subject, sender's name, preview line) tells what the mail is about, unless a setting says so.
- No mail goes out twice but in the one window that SMTP leaves open, and then with the same Message-ID (`delivery`).
- The log carries no address, no subject and no word of a server's answer.

It decides neither who may get a mail nor which receipt it is (`cases.receipts`), and reads no case: the sender opens
with the mailer's key what was sealed to the mailer, and nothing else.
"""
