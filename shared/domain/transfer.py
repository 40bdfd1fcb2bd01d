"""Whether an asset can travel from one venue to another, network by network; unknown is kept apart from open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from shared.domain.gates import Refusal
from shared.domain.market import Currency, Network
from shared.domain.opportunity import Reason

_SAME = (
    ("ETH", "ERC20", "ETHEREUM"),
    ("TRX", "TRC20", "TRON"),
    ("BSC", "BEP20", "BNBSMARTCHAIN", "BEP20BSC"),
    ("SOL", "SPL", "SOLANA"),
    ("MATIC", "POLYGON", "POL"),
    ("ARBITRUM", "ARBI", "ARB", "ARBEVM", "ARBITRUMONE", "ARBONE"),
    ("OPTIMISM", "OP", "OPETH", "OPTIMISMETH"),
    ("AVAXC", "CAVAX", "AVAXCCHAIN"),
    ("BASE", "BASEEVM", "BASEETH"),
    ("BTC", "BITCOIN"),
    ("KLAY", "KAIA"),
)
_ALIASES = {name: names[0] for names in _SAME for name in names}


def network_name(name: str) -> str:
    """One name for each network, whatever a venue calls it."""
    spelled = "".join(letter for letter in name.upper() if letter.isalnum())
    return _ALIASES.get(spelled, spelled)


def canonical_networks(currency: Currency | None) -> Mapping[str, Network]:
    """A currency's networks by their common names; empty where the venue says nothing."""
    if currency is None:
        return {}
    return {network_name(name): network for name, network in currency.networks.items()}


def transfer_refusal(
    asset: str, source: str, target: str, leaving: Currency | None, arriving: Currency | None
) -> Refusal | None:
    """Why the asset cannot be withdrawn at `source` and deposited at `target`; None if it surely can.

    TRANSFER_UNKNOWN says that nothing is known to forbid it, but an unknown flag is needed.
    """
    out, into = canonical_networks(leaving), canonical_networks(arriving)
    if into and all(network.deposit is False for network in into.values()):
        return Refusal(Reason.DEPOSIT_CLOSED, f"{target} takes no deposit of {asset} on any network")
    if out and all(network.withdraw is False for network in out.values()):
        return Refusal(Reason.WITHDRAW_CLOSED, f"{source} lets no {asset} out on any network")
    ways = [(out[name].withdraw, into[name].deposit) for name in out.keys() & into.keys()]
    if any(leaves and arrives for leaves, arrives in ways):
        return None
    unknown = any(leaves is not False and arrives is not False for leaves, arrives in ways)
    if unknown or not out or not into:
        detail = f"whether {asset} can travel from {source} to {target} is unknown"
        return Refusal(Reason.TRANSFER_UNKNOWN, detail)
    open_out = _names(name for name, network in out.items() if network.withdraw is not False)
    open_into = _names(name for name, network in into.items() if network.deposit is not False)
    detail = f"{source} lets {asset} out on {open_out}, {target} takes it on {open_into}"
    return Refusal(Reason.NO_COMMON_NETWORK, detail)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def withdrawal_fee(leaving: Currency | None, arriving: Currency | None) -> Decimal | None:
    """The least fee, in the asset, of a network that is not known to be closed; None if nobody says."""
    out, into = canonical_networks(leaving), canonical_networks(arriving)
    fees = [
        network.withdraw_fee
        for name, network in out.items()
        if network.withdraw_fee is not None
        and network.withdraw is not False
        and (not into or (name in into and into[name].deposit is not False))
    ]
    return min(fees, default=None)
