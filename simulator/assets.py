"""The assets of the simulated market: tickers, about what they cost in dollars, and their home networks."""

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """How liquid an asset is: it decides spread, depth, noise and how often its books change."""

    CASH = "cash"
    HUB = "hub"
    WATCHED = "watched"
    MIDDLE = "middle"
    TAIL = "tail"


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset. `name` is its identity; `ticker` is what venues call it and two assets may share one."""

    name: str
    ticker: str
    usd: float
    network: str
    tier: Tier
    venues: str = ""
    """First letters of the venues that list it: for USDT on binance, bybit and gateio, for fiat on kraken."""


_CASH = """
USDT 1.0004 TRX | USDC 0.9998 ETH | USD 1 FIAT | EUR 1.0850 FIAT | FDUSD 0.9885 ETH
"""
_HUB = "BTC 111500 BTC bygk | ETH 4300 ETH bygk"

_WATCHED = """
SOL 205 SOL bygk | XRP 2.85 XRP bygk | ADA 0.86 ADA bygk | DOGE 0.215 DOGE bygk | LTC 112 LTC bygk |
LINK 23.4 ETH bygk | DOT 3.9 DOT bygk | AVAX 24.6 AVAXC bygk | BCH 545 BCH bygk | ATOM 4.5 ATOM bygk |
UNI 9.8 ETH bygk | NEAR 2.5 NEAR bygk | TRX 0.34 TRX bygk | XLM 0.36 XLM bygk | ETC 20.8 ETC bygk |
FIL 2.3 FIL bygk | AAVE 305 ETH bygk | INJ 13.1 INJ bygk | SUI 3.4 SUI bygk | APT 4.4 APT bygk |
ARB 0.51 ARB bygk | OP 0.72 OP bygk | HBAR 0.22 HBAR byg | ICP 4.8 ICP bygk | TON 3.1 TON bygk |
ALGO 0.235 ALGO bygk | GRT 0.088 ETH bygk | XTZ 0.72 XTZ bygk
"""

_MIDDLE = """
BNB 1010 BSC byg | SHIB 0.0000123 ETH bygk | PEPE 0.0000094 ETH bygk | WIF 0.78 SOL bygk |
BONK 0.0000205 SOL bygk | FLOKI 0.000092 ETH bygk | SEI 0.29 SEI bygk | TIA 1.62 TIA bygk |
JUP 0.47 SOL bygk | PYTH 0.155 SOL bygk | RENDER 3.55 SOL bygk | FET 0.61 ETH bygk | IMX 0.55 ETH bygk |
LDO 1.18 ETH bygk | CRV 0.76 ETH bygk | COMP 44.5 ETH bygk | SNX 0.71 ETH bygk | YFI 5350 ETH bygk |
SUSHI 0.74 ETH bygk | ENS 22.4 ETH bygk | DYDX 0.62 ETH bygk | GMX 15.1 ARB bygk | PENDLE 4.9 ETH bygk |
ENA 0.63 ETH bygk | ONDO 0.96 ETH bygk | STX 0.63 STX bygk | SAND 0.28 ETH bygk | MANA 0.30 ETH bygk |
AXS 2.3 ETH bygk | GALA 0.0162 ETH bygk | APE 0.58 ETH bygk | ENJ 0.068 ETH bygk | CHZ 0.041 CHZ bygk |
MINA 0.18 MINA bygk | FLOW 0.38 FLOW bygk | KSM 15.2 KSM bgk | EGLD 14.1 EGLD bygk | THETA 0.78 THETA byg |
DASH 21.3 DASH bgk | ZEC 52.4 ZEC bgk | QTUM 2.1 QTUM bgk | RPL 5.5 ETH byg | SSV 9.2 ETH byg |
LPT 6.4 ETH bygk | CELO 0.31 CELO bygk | KAVA 0.37 KAVA bygk | RUNE 1.2 RUNE bygk | AR 6.1 AR byg |
JTO 1.85 SOL bygk | STRK 0.125 ETH bygk | ZRO 1.75 ETH bygk | EIGEN 1.35 ETH bygk | ETHFI 1.15 ETH byg |
WLD 0.98 ETH bygk | ARKM 0.51 ETH byg | POL 0.25 ETH bygk | MASK 1.25 ETH bygk | NEO 6.3 NEO byg |
TRB 33.2 ETH bygk | ZEN 7.4 ZEN byg | TWT 0.85 BSC byg | LUNA 0.145 LUNA bygk
"""

_TAIL = """
1INCH 0.25 ETH bygk | ROSE 0.027 ROSE byg | ICX 0.12 ICX bygk | ZRX 0.24 ETH bygk | BAT 0.155 ETH bygk |
KNC 0.36 ETH bgk | STORJ 0.25 ETH bgk | LRC 0.087 ETH bygk | BAND 0.61 ETH bgk | NMR 15.3 ETH bgk |
ANKR 0.0148 ETH bygk | SKL 0.024 ETH bg | W 0.078 SOL byg | ZK 0.056 ETH byg | ALT 0.032 ETH byg |
MANTA 0.19 ETH byg | DYM 0.21 ETH byg | PIXEL 0.03 ETH byg | BLUR 0.075 ETH bygk | MAGIC 0.17 ARB byg |
CYBER 1.6 ETH byg | ID 0.15 ETH byg | EDU 0.12 BSC byg | HOOK 0.1 BSC bg | PEOPLE 0.0185 ETH byg |
BOME 0.0016 SOL byg | MEME 0.0019 ETH byg | TURBO 0.0036 ETH byg | NOT 0.0016 TON byg | DOGS 0.00012 TON byg |
HMSTR 0.0006 TON byg | CATI 0.08 TON byg | IO 0.48 SOL byg | LISTA 0.24 BSC bg | BB 0.11 ETH byg |
TNSR 0.1 SOL bg | AEVO 0.095 ETH byg | XAI 0.048 ARB byg | AI 0.13 BSC bg | VANRY 0.027 ETH byg |
S 0.29 ETH byg | KAIA 0.15 ETH byg | GMT 0.042 SOL byg | CKB 0.0056 CKB byg | COTI 0.044 ETH bg |
CTSI 0.067 ETH bg | CVC 0.09 ETH bg | DENT 0.0007 ETH bg | DUSK 0.06 ETH bg | FIDA 0.08 SOL byg |
GLMR 0.06 GLMR byg | HIGH 0.5 ETH bg | HOT 0.00089 ETH byg | IOST 0.0032 ETH bg | IOTA 0.19 ETH byg |
IOTX 0.024 ETH bg | JASMY 0.013 ETH byg | JOE 0.15 AVAXC bg | LSK 0.33 ETH bg | MTL 0.68 ETH bg |
OGN 0.057 ETH bg | ONE 0.0101 ONE byg | ONG 0.19 ONT bg | ONT 0.125 ONT byg | PHA 0.1 ETH bg |
POWR 0.16 ETH bg | RLC 1.05 ETH bg | RSR 0.0069 ETH bg | RVN 0.0124 RVN byg | SFP 0.48 BSC byg |
SLP 0.0015 ETH bg | STG 0.17 ETH byg | SUPER 0.6 ETH bg | SXP 0.17 ETH bg | TFUEL 0.032 THETA bg |
UMA 1.25 ETH bg | VET 0.0235 VET byg | WAXP 0.018 WAX byg | WOO 0.068 ETH byg | XEC 0.000019 XEC byg |
YGG 0.16 ETH bg | ZIL 0.0108 ZIL byg | ZETA 0.18 ETH byg | LUNC 0.00006 LUNC bygk | MDT 0.019 ETH by |
WAVES 1.12 WAVES bgy | KEY 0.0017 ETH bg | OMG 0.21 ETH bg | NULS 0.041 ETH by | OXT 0.055 ETH bk
"""

_OTHER_ASSETS = (
    # Another asset under a ticker that is already taken, on one venue alone.
    Asset("MDT (Mideast)", "MDT", 0.0059, "BSC", Tier.TAIL),
    Asset("TAI (Tars)", "TAI", 0.094, "SOL", Tier.TAIL),
    Asset("TAI (TaiShang)", "TAI", 0.051, "BSC", Tier.TAIL),
    # Gate.io calls GAMECOM GTC, which is Gitcoin elsewhere; ccxt renames it, so the two never meet.
    Asset("GTC", "GTC", 0.31, "ETH", Tier.TAIL),
    Asset("GAMECOM", "GAMECOM", 0.0042, "ETH", Tier.TAIL),
    # Leveraged tokens: units of a fund, not of the asset.
    Asset("BTC3L", "BTC3L", 0.0931, "FUND", Tier.TAIL),
    Asset("BTC3S", "BTC3S", 0.00412, "FUND", Tier.TAIL),
    Asset("ETH3L", "ETH3L", 0.0274, "FUND", Tier.TAIL),
    Asset("ETH3S", "ETH3S", 0.00187, "FUND", Tier.TAIL),
    # A bundle of a thousand units is not the unit.
    Asset("1000SATS", "1000SATS", 0.00004, "BTC", Tier.TAIL),
    Asset("SATS", "SATS", 0.00000004, "BTC", Tier.TAIL),
)

_GATEIO_ONLY = """
AERGO AIOZ ALPH AZERO BLOK BOBA CEEK CERE CHEQ CWEB DAO DIA DODO DPET ELON ERG FLM FORTH FRONT FUN GHX GODS
HAPI HERO IDEX INSUR JST KLEE LAVA LITH LOKA MAPS MOBI NAKA NYM OCT ORAI PAAL PBX POLS QKC RAD REEF RIO SCA
SHR SIDUS TAMA TIDAL TOKE UFO VELO VRA WILD XCN XDB XVS ZKJ ZEE
"""
GATEIO_ONLY = tuple(_GATEIO_ONLY.split())
"""Long-tail tickers that one venue lists alone: rows to carry, never a loop of two."""

_BINANCE_DELISTED = """
BCC VEN PAX BCHABC USDS NPXS BTT MITH STORM DOCK ERD WAN COCOS NKN HC XZC LEND BZRX STRAT AUTO REP NANO
"""
BINANCE_DELISTED = tuple(_BINANCE_DELISTED.split())
"""Old tickers whose rows Binance still serves with zeros."""

WATCH_LIST = tuple(
    line.split()[0] for line in (_HUB + " | " + _WATCHED).replace("\n", " ").split("|") if line.strip()
)
"""Well-known assets that are worth holding on every venue: nearly all opportunities lie in them."""


def _parse(table: str, tier: Tier) -> list[Asset]:
    found = []
    for entry in table.replace("\n", " ").split("|"):
        ticker, usd, network, *venues = entry.split()
        found.append(Asset(ticker, ticker, float(usd), network, tier, venues[0] if venues else ""))
    return found


def all_assets() -> tuple[Asset, ...]:
    """Every asset, cash first; the order is part of the market and never depends on a seed."""
    listed = [
        *_parse(_CASH, Tier.CASH),
        *_parse(_HUB, Tier.HUB),
        *_parse(_WATCHED, Tier.WATCHED),
        *_parse(_MIDDLE, Tier.MIDDLE),
        *_parse(_TAIL, Tier.TAIL),
        *_OTHER_ASSETS,
    ]
    gateio_only = [
        Asset(ticker, ticker, round(0.004 * 1.17**n, 6), "ETH", Tier.TAIL)
        for n, ticker in enumerate(GATEIO_ONLY)
    ]
    delisted = [Asset(ticker, ticker, 1.0, "ETH", Tier.TAIL) for ticker in BINANCE_DELISTED]
    return (*listed, *gateio_only, *delisted)
