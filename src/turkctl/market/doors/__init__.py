"""The three ways to reach a market: in this process, over HTTP, and through moto.

All use :mod:`turkctl.market.protocol.wire`.
"""
