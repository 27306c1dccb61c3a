"""How fast mail is taken in, against a real IMAP server, beside a floor and with the cost of isolation told apart.

`make bench` prints a table and writes docs/bench.md. Whole way and floor take turns on the same mails in the same run,
so that what else the machine does hits both; only their ratio says much on another machine. The parts on the trail and
on very many cases can be measured alone, too, and then replace their part of the page.
"""
