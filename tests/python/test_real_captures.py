"""The main job on real input: older recordings in, right answers out, through the official client.

What is right is counted here from the files themselves, without any of our code. Where ../shared/data is not there the
tests are skipped with a warning; under CI they fail, as those of tests/common/needs.rs do.
"""

import asyncio
import collections
import json
import os
import pathlib
import subprocess
import warnings

import mcp
import pytest

BINARY = os.environ["REPLAYER_BIN"]
BESIDE = pathlib.Path(__file__).resolve().parents[3] / "shared"
DATA = pathlib.Path(os.environ.get("REPLAYER_SHARED", BESIDE)) / "data"

if not DATA.is_dir():
    missing = f"the real captures are not there ({DATA}); name their parent folder in REPLAYER_SHARED"
    allowed = [key.strip() for key in os.environ.get("REPLAYER_MAY_SKIP", "").split(",")]
    if os.environ.get("CI", "") not in ("", "0", "false") and "real-captures" not in allowed:
        raise RuntimeError(f"{missing}. These tests may not be skipped under CI")
    warnings.warn(f"SKIPPED: {missing}")
    pytest.skip("no real captures", allow_module_level=True)


def parsable(path: pathlib.Path):
    for line in path.read_bytes().split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:
            pass


@pytest.fixture(scope="module")
def counted():
    """Ticks and highest price per game of the undamaged lines, and events by name in the captures."""
    ticks, peaks, events = collections.Counter(), {}, collections.Counter()
    first = {}
    for path in sorted((DATA / "rugs_recordings").glob("*.jsonl")):
        for line in parsable(path):
            # Eight lines stand, to the microsecond, in two files: they are stored once.
            if line.get("type") == "tick" and first.setdefault(json.dumps(line), path) == path:
                ticks[line["game_id"]] += 1
                if line["active"] or line["rugged"]:
                    peaks[line["game_id"]] = max(line["price"], peaks.get(line["game_id"], 0))
    for path in [*(DATA / "raw_captures").glob("*.jsonl"), *(DATA / "sandbox").glob("*.jsonl")]:
        for line in parsable(path):
            events[line.get("event") or line["event_type"]] += 1
    samples = json.loads((DATA / "cdp_captures" / "gameStatePlayerUpdate_schema_samples.json").read_text())
    events["gameStatePlayerUpdate"] += len(samples)
    return ticks, peaks, events


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    root = tmp_path_factory.mktemp("real") / "root"
    command = [BINARY, "legacy", "import", str(DATA), "--data", str(root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    # Some lines of the real files are damaged, which the exit code says.
    assert done.returncode in (0, 1), done.stderr
    return root, json.loads(done.stdout)


def ask(root, *queries):
    async def session():
        server = mcp.StdioServerParameters(command=BINARY, args=["serve", "--data", str(root)])
        async with mcp.Client(server, mode="auto", read_timeout_seconds=60) as client:
            results = []
            for sql in queries:
                result = await client.call_tool("query_sql", {"sql": sql, "max_rows": 1000, "max_bytes": 500_000})
                assert not result.is_error, result.content
                results.append(result.structured_content["rows"])
            return results

    return asyncio.run(session())


def test_every_line_is_a_row_or_rejected_with_a_reason(imported):
    _, report = imported
    totals = report["totals"]
    assert totals["lines"] == totals["rows"] + totals["rejected"]
    assert report["files"]["failed"] == report["files"]["unsupported"] == 0
    for file in report["per_file"]:
        assert file["lines"] == file["rows"] + file["rejected"], file["name"]


def test_every_undamaged_tick_line_is_a_row(imported, counted):
    root, report = imported
    ticks, _, _ = counted
    assert sum(ticks.values()) == 98_752
    rows = ask(root, "SELECT game_id, count(*) FROM game_tick WHERE tick_source = 'recording' GROUP BY game_id")[0]
    stored = dict(rows)
    assert all(stored[game] >= count for game, count in ticks.items())
    # 8 in two files.
    assert sum(stored.values()) == report["events"]["tick"] - 8


def test_peaks_are_those_of_the_files(imported, counted):
    root, _ = imported
    _, peaks, _ = counted
    rows = ask(root, "SELECT game_id, max(price) FROM game_tick WHERE tick_source = 'recording' GROUP BY game_id")[0]
    stored = {game: peak for game, peak in rows if peak is not None}
    # A recovered line may hold a higher price than the undamaged ones; it is never lower.
    assert all(stored[game] >= peak for game, peak in peaks.items())
    assert sum(stored[game] == peak for game, peak in peaks.items()) >= len(peaks) - 12


def test_every_capture_line_is_an_event(imported, counted):
    root, _ = imported
    _, _, events = counted
    stored, lost = ask(
        root,
        "SELECT event_name, count(*) FROM ws_event GROUP BY event_name",
        "SELECT count(*) FROM ws_event WHERE frame = 'payload_lost' AND payload IS NULL",
    )
    assert dict(stored) == dict(events)
    assert lost == [[16]]


def test_every_game_with_a_seed_is_proven_from_it(imported):
    root, _ = imported
    [[games, proven]] = ask(root, "SELECT count(*), count(*) FILTER (WHERE proven) FROM game WHERE server_seed IS NOT NULL")[0]
    assert games == proven == 33
