"""The Requester API's wire protocol.

Requests are authenticated, validated against the service model and dispatched to the service; answers and errors are
written as the API writes them. Only the doors use this package: headers and bytes go in, headers and bytes come out.
"""
