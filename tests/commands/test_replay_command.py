"""`python -m shared replay`: what it says of a recording in which there is nothing to replay."""

import json

import pytest


def test_a_recording_of_scans_is_told(run, recording, snapshot):
    ended = run("shared", "replay", recording(snapshot))
    assert (ended.code, ended.err) == (0, "")
    time = snapshot["time"]
    assert ended.out.splitlines()[0] == f"1 scans, 2 books, {time} to {time}"


@pytest.mark.parametrize(
    ("phases", "told"), [((), ""), (("execution", "execution"), "; its 4 books are of fills")]
)
def test_a_recording_without_a_scan_is_said_to_have_none(run, recording, snapshot, phases, told):
    path = recording(*({**snapshot, "phase": phase} for phase in phases))
    complaint = f"no scan in this recording: {path}{told}\n"
    ended = run("shared", "replay", path)
    assert (ended.code, ended.out, ended.err) == (1, "", complaint)
    ended = run("shared", "replay", "--json", path)
    assert (ended.code, ended.err) == (1, complaint)
    assert json.loads(ended.out)["scans"] == 0


def test_an_empty_lake_is_said_to_have_no_scan(run):
    ended = run("shared", "replay", "lake")
    assert (ended.code, ended.out, ended.err) == (1, "", "no scan in this recording: lake\n")
