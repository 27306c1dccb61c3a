"""Where mail comes from: raw mails in memory. A source is told when a mail is safe, and knows no database."""
