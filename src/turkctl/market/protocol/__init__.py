"""Speak the Requester API's wire protocol.

Requests are authenticated, validated against the service model and dispatched to the service; answers and errors are
written as the API writes them. Only the doors use this package: in go headers and bytes, out come headers and bytes.
"""
