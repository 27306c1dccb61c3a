"""The coordinator's web application: log in, see the queue, read a case, decide.

`desk.app.create_app` makes the Flask application, `desk.server.serve` runs it. Promises: every page works without
JavaScript, in Dutch and in English; nothing is loaded from outside, mail least of all; no address names anything of a
case but its random id; no word of a case stands in a log line or an error page; what a person typed survives every
refusal; nothing readable is written to disk, uploads and sessions included. It opens cases only with the key ring of
the member who is logged in, and decides nothing by itself.
"""
