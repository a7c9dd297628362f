"""Channels to people: a program of theirs, or whatever Apprise reaches.

In: the settings ``notify.urls`` and ``notify.command``, and events as plain values.
Out: an event delivered, or an error that says why not, without the secrets in the address. Knows nothing of the rest.
"""
