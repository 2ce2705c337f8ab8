"""Simulated participants: an observer model, and the way through the pages that a browser would take.

`observer` says what a simulated person sees and answers, `browser` speaks HTTP, `walk` is one sitting,
`crowd` is many at once with the check that nothing was lost, `web_server` is a server for them alone.
"""
