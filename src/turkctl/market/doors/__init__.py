"""The three ways into a market: in this process, over HTTP, and beside moto.

All speak :mod:`turkctl.market.protocol.wire`.
"""
