"""The document by itself: complete, small, and closed to anything from elsewhere."""

import base64
import hashlib
import re

import orjson
import pytest

from shared.domain.opportunity import Reason
from shared.domain.trade import Decision, TradeStatus
from shared.records.tables import CAUSES
from shared.web import endpoints, page
from shared.web.overview import overview
from shared.web.requests import MAX_TEXT
from tests.page.page_world import stored_desk

FIRST_VIEW_BYTES = 200_000


@pytest.fixture
def document():
    return page.render()


def test_the_policy_allows_the_page_its_own_parts_and_its_own_origin_only(document):
    inline = re.findall(r"<(script|style)[^>]*>(.*?)</\1>", document.html, re.DOTALL)
    assert [kind for kind, _ in inline] == ["style", "script", "script"]
    policy = dict(part.split(" ", 1) for part in document.policy.split("; "))
    for kind, text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[f"{kind}-src"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in document.policy


def test_nothing_comes_from_elsewhere(document):
    addresses = set(re.findall(r"https?://[^\s'\"<>]+", document.html))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"<(?:link|script|img)[^>]+(?:src|href)=\"(?!data:)[^\"]+\"", document.html)


def test_no_style_stands_in_an_attribute_and_no_markup_in_a_string(document):
    assert " style=" not in document.html
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", document.html)


@pytest.mark.parametrize("codes", [Reason, TradeStatus, Decision, CAUSES])
def test_every_code_of_the_data_has_words_for_a_person(document, codes):
    for code in codes:
        assert re.search(rf"\b{code}: \"[A-Z]", document.html), f"{code} has no words"


def test_a_field_of_the_switch_takes_as_much_as_the_functions_accept(document):
    limits = re.findall(r'<input id="(switch-\w+)"[^>]* maxlength="(\d+)"', document.html)
    assert limits == [("switch-by", str(MAX_TEXT)), ("switch-reason", str(MAX_TEXT))]


def test_the_page_is_public_and_carries_no_data():
    answer = endpoints.dashboard()
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert answer.headers["Content-Security-Policy"] == page.render().policy
    assert answer.body == endpoints.dashboard().body


async def test_the_first_view_of_a_busy_desk_weighs_less_than_200_kb(tmp_path):
    async with stored_desk(tmp_path) as desk:
        await desk.live(scans=60, found_every=1)
        data = orjson.dumps(await overview(desk), default=str)
    assert len(endpoints.dashboard().body) + len(data) < FIRST_VIEW_BYTES
