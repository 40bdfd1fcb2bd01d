from statistics import median

import pytest

from shared.domain.latency import Latencies, Latency


def draws(latencies, venue="kraken", count=4_000):
    return [latencies.draw_ms(venue, "scan", str(order)) for order in range(count)]


@pytest.mark.parametrize(("median_ms", "sigma"), [(80, 0.4), (500, 1.0)])
def test_half_of_all_draws_are_below_the_median_and_the_tail_is_long(median_ms, sigma):
    found = draws(Latencies(Latency(median_ms, sigma)))
    assert median(found) == pytest.approx(median_ms, rel=0.06)
    assert max(found) - median_ms > median_ms - min(found) > 0


def test_without_spread_every_draw_is_the_median():
    assert set(draws(Latencies(Latency(120, 0.0)), count=50)) == {120}


def test_each_venue_has_its_own_distribution():
    latencies = Latencies(Latency(50, 0.0), {"kraken": Latency(300, 0.0)})
    assert latencies.draw_ms("kraken", "scan") == 300
    assert latencies.draw_ms("bybit", "scan") == 50


def test_a_draw_depends_on_seed_venue_and_content_alone():
    latencies = Latencies(seed=1)
    assert latencies.draw_ms("kraken", "scan", "0") == latencies.draw_ms("kraken", "scan", "0")
    assert draws(latencies, count=20) != draws(Latencies(seed=2), count=20)
    assert draws(latencies, count=20) != draws(latencies, "bybit", count=20)
