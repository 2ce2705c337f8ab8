"""The crash loop: a real web server that is killed again and again, behind a network that breaks.

`site` is the server with its database, `proxy` the network, `people` who answers, `audit` what must hold
afterwards, `loop` all of them together; `planted` are sites with a bug, to show that the loop would see one.
`python -m tests.crashes --help` runs it by hand.
"""
