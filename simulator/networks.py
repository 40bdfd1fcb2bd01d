"""Networks of each asset on each venue: what is open, what it costs, and the contract behind a token."""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from simulator.assets import Asset
from simulator.listings import VENUES
from simulator.noise import key_of, unit
from simulator.traps import NO_DEPOSIT, NO_WITHDRAW

_NAMES = {
    "ETH": ("ETH", "ETH", "ETH", "ERC20"),
    "BSC": ("BSC", "BSC", "BSC", "BEP20"),
    "TRX": ("TRX", "TRX", "TRX", "TRC20"),
    "ARB": ("ARBITRUM", "ARBI", "ARBEVM", "Arbitrum One"),
    "OP": ("OPTIMISM", "OP", "OPETH", "Optimism"),
    "AVAXC": ("AVAXC", "CAVAX", "AVAX_C", "Avalanche C-Chain"),
    "APT": ("APT", "APTOS", "APT", "Aptos"),
    "SOL": ("SOL", "SOL", "SOL", "Solana"),
    "BTC": ("BTC", "BTC", "BTC", "Bitcoin"),
}
"""What binance, bybit, gateio and kraken call a network; the rest go by their own ticker everywhere."""
_TOKENS_OF = {"ETH": "ETH", "BSC": "BNB", "TRX": "TRX", "ARB": "", "OP": "", "AVAXC": "AVAX", "SOL": "SOL"}
"""Networks that carry tokens, with the coin that is native to each and has no contract there."""
_MANY = {"USDT": ("TRX", "ETH", "BSC", "SOL", "ARB"), "USDC": ("ETH", "SOL", "ARB", "OP")}
_SECOND = {"ETH": "BSC", "ARB": "ETH", "OP": "ETH"}
_FEE_USD = {"ETH": 1.5, "BSC": 0.2, "TRX": 1.0, "BTC": 7.0, "ARB": 0.15, "OP": 0.1, "SOL": 0.2}
_SHARE_ON_TWO = 0.5
_SHARE_SHUT = 0.15
"""How often a token has a second network, and how often a venue has shut that."""
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class NetworkState:
    """One network of an asset at a venue. Fee and minimum are amounts of the asset; no contract is empty."""

    network: str
    name: str
    deposit: bool
    withdraw: bool
    withdraw_fee: str
    withdraw_min: str
    contract: str


def amount_text(value: float) -> str:
    """An amount with three significant digits and no exponent."""
    digits = f"{float(f'{value:.3g}'):.10f}"
    return digits.rstrip("0").rstrip(".") or "0"


def _contract(asset: Asset, network: str) -> str:
    native = _TOKENS_OF.get(network)
    if native is None or native == asset.name:
        return ""
    digest = blake2b(f"{asset.name} on {network}".encode(), digest_size=20).hexdigest()
    if network not in {"TRX", "SOL"}:
        return "0x" + digest
    bits, text = int(digest, 16) << 40, ""
    while bits:
        bits, digit = divmod(bits, len(_BASE58))
        text += _BASE58[digit]
    return ("T" + text)[:34] if network == "TRX" else text


@cache
def networks_of(venue: str, asset: Asset) -> tuple[NetworkState, ...]:
    """The networks by which a venue moves an asset. Funds and currencies of states have none.

    The home network is open everywhere but where a trap closes all; a second one is shut at some venues.
    """
    if asset.network in {"FUND", "FIAT"}:
        return ()
    second = _SECOND.get(asset.network) if unit(key_of(0, asset.name)) < _SHARE_ON_TWO else None
    chains = _MANY.get(asset.name) or ((asset.network, second) if second else (asset.network,))
    found = []
    for n, network in enumerate(chains):
        shut = n > 0 and unit(key_of(0, f"{venue} {asset.name} {network}")) < _SHARE_SHUT
        fee = _FEE_USD.get(network, 0.3) / asset.usd
        name = _NAMES[network][VENUES.index(venue)] if network in _NAMES else network
        found.append(
            NetworkState(
                network=network,
                name=name,
                deposit=not shut and (venue, asset.ticker) not in NO_DEPOSIT,
                withdraw=not shut and (venue, asset.ticker) not in NO_WITHDRAW,
                withdraw_fee=amount_text(fee),
                withdraw_min=amount_text(fee * 4),
                contract=_contract(asset, network),
            )
        )
    return tuple(found)
