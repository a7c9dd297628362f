"""The rules that the market tells its clients, as its own row has them: every process follows the same ones."""

from __future__ import annotations

from typing import Any

from turkctl.market.tx import Tx


def get_market_rules(tx: Tx, _request: dict[str, Any]) -> dict[str, Any]:
    """Answer GetMarketRules: the rule of its fee, the unit of its amounts, and what it does beyond the API."""
    rules = tx.rules
    return {"Fee": rules.fee, "Unit": rules.unit, "Extensions": sorted(rules.extensions)}
