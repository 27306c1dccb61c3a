"""Mail in: from a mailbox or a file to a committed case.

One file answers one question. Where does mail come from: `sources`. What does it say: `parse` and what it uses, in
readers (`nursery`, `isolation`, `reader`, `readers`) that hold no secret and see no network. What does it mean:
`understanding`. Is it automatic: `automatic`. Is it one that we have: `digests`. Which case is it: `threads`. What
becomes of one mail: `take_in`. What becomes of a mailbox: `rounds`, and later `housekeeping`.

Promises: a mail leaves its mailbox only after its sealed copy is committed; one mail is one message of one case,
whatever crashes; what cannot be understood is kept whole and holds nothing else up; automatic mail is never answered;
no log line carries a word of a mail. It sends nothing: what goes out waits in the store's outbox.
"""
