"""The official Python MCP client over the real binary, in both protocol eras.

The client validates every result against the tool's output schema, so a result that drifts from its schema fails here.
The store is made by `replayer legacy import` from recordings generated below, whose contents are known. Run through
scripts/python-client-test.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import pathlib
import subprocess

import jsonschema
import mcp
import pytest

BINARY = os.environ["REPLAYER_BIN"]

# Both eras by name, and the client's own choice.
ERAS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28", "auto": "2026-07-28"}

# Game id: prices by tick, the last one at the rug.
GAMES = {
    "20251030-aaaaaaaaaaaaaaaa": [1, 1.05, 1.2, 3.5, 0.02],
    "20251030-bbbbbbbbbbbbbbbb": [1, 0.9, 0.018],
    "20251030-cccccccccccccccc": [1, 1.5, 2.25, 2.75, 3.125, 12.5, 0.02],
}
# Tools that change something; everything else says that it only reads.
WRITING = {"capture", "export_dataset", "replay", "verify"}

TICKS = sum(len(prices) for prices in GAMES.values())


def recording(game_id: str, prices: list, minute: int) -> str:
    """One game in the layout of the older per-game recorder."""
    stamp = f"2025-10-30T12:{minute:02}:"
    lines = [{"type": "game_start", "timestamp": stamp + "00.000001", "game_id": game_id}]
    for tick, price in enumerate(prices):
        rugged = tick == len(prices) - 1
        lines.append({
            "type": "tick", "timestamp": f"{stamp}{1 + tick // 4:02}.{tick % 4 * 250000 + 1:06}", "game_id": game_id,
            "tick": tick, "price": price, "phase": "ACTIVE_GAMEPLAY" if tick else "GAME_ACTIVATION",
            "active": True, "rugged": rugged, "cooldown_timer": 0, "trade_count": 3 * tick,
        })
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> pathlib.Path:
    recordings = tmp_path_factory.mktemp("recordings")
    for number, (game_id, prices) in enumerate(GAMES.items()):
        name = f"game_20251030_12{number:02}00_{game_id[-8:]}.jsonl"
        (recordings / name).write_text(recording(game_id, prices, number))
    root = tmp_path_factory.mktemp("data") / "root"
    command = [BINARY, "legacy", "import", str(recordings), "--data", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@contextlib.asynccontextmanager
async def connected(root: pathlib.Path, era: str):
    server = mcp.StdioServerParameters(command=BINARY, args=["serve", "--capture", "off", "--data", str(root)])
    async with mcp.Client(server, mode=era, read_timeout_seconds=60) as client:
        yield client


def each_era(test):
    """Runs an async test once per era, each with a server of its own."""

    @pytest.mark.parametrize("era", ERAS)
    def run(root, era):
        async def session():
            async with connected(root, era) as client:
                await test(client, era, root)

        asyncio.run(session())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


async def call(client, tool: str, **arguments) -> dict:
    """A tool's result; text and data must be the same object."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(client, tool: str, **arguments) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    assert "next: " in result.content[0].text
    return result.content[0].text


@each_era
async def test_the_session_opens_in_its_era(client, era, root):
    assert client.protocol_version == ERAS[era]
    if era == "2026-07-28":
        return  # pinned to the modern era, the client asks for nothing before it is used
    assert client.server_info.name == "replayer"
    assert len(client.instructions.encode()) <= 2048
    assert client.server_capabilities.tools is not None
    assert client.server_capabilities.prompts is not None


@each_era
async def test_tools_and_their_schemas_are_listed(client, era, root):
    tools = (await client.list_tools()).tools
    names = [tool.name for tool in tools]
    assert names == sorted(names)
    assert {"export_dataset", "get_events", "get_game", "query_sql"} <= set(names)
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert len(tool.description.encode()) <= 2048
        assert tool.annotations.read_only_hint is (tool.name not in WRITING)


@each_era
async def test_query_sql_answers_right(client, era, root):
    answer = await call(client, "query_sql", sql="SELECT count(*) AS ticks, max(price) AS peak FROM game_tick")
    assert answer["columns"] == ["ticks", "peak"]
    assert answer["rows"] == [[TICKS, 12.5]]
    assert answer["truncated"] is False

    answer = await call(client, "query_sql", sql="SELECT game_id, rug_tick, peak FROM games ORDER BY game_id")
    assert answer["rows"] == [[game, len(prices) - 1, max(prices)] for game, prices in GAMES.items()]

    answer = await call(client, "query_sql", sql="SELECT tick, price FROM game_tick ORDER BY game_id, tick", max_rows=4)
    assert answer["row_count"] == 4 and answer["truncated"] is True and answer["next"]

    assert "price" in await refused(client, "query_sql", sql="SELECT pirce FROM game_tick")
    await refused(client, "query_sql", sql="COPY games TO '/tmp/evil.csv'")


@each_era
async def test_three_questions_at_once(client, era, root):
    answers = await asyncio.gather(*(call(client, "query_sql", sql=f"SELECT {n} AS n") for n in range(3)))
    assert [answer["rows"] for answer in answers] == [[[0]], [[1]], [[2]]]


@each_era
async def test_get_game_lists_and_shows(client, era, root):
    games = (await call(client, "get_game"))["games"]
    assert [game["game_id"] for game in games] == list(reversed(GAMES))
    for game_id, prices in GAMES.items():
        card = (await call(client, "get_game", game_id=game_id))["game"]
        assert card["prices"] == [[tick, price] for tick, price in enumerate(prices)]
        assert (card["peak"], card["rug_tick"]) == (max(prices), len(prices) - 1)
    assert "20251030-aaaaaaaaaaaaaaaa" in await refused(client, "get_game", game_id="20251030-aaaaaaaaaaaaaaab")


@each_era
async def test_get_events_gives_what_was_recorded(client, era, root):
    listed = await call(client, "get_events", limit=5)
    assert listed["events"] and listed["cursor"]
    first = listed["events"][0]
    ref = {"session_id": first["session_id"], "seq": first["seq"]}
    whole = await call(client, "get_events", refs=[ref, f"{first['session_id']}:999999"])
    assert whole["events"][0]["raw_json"] == first["raw_json"]
    assert whole["not_found"] == [f"{first['session_id']}:999999"]
    assert (await call(client, "get_events", after=listed["cursor"]))["events"] == []

    game_id, prices = next(iter(GAMES.items()))
    frames = (await call(client, "get_events", game_id=game_id, limit=100))["events"]
    recorded = [json.loads(frame["raw_json"]) for frame in frames]
    assert [line["price"] for line in recorded if line["type"] == "tick"] == prices


@each_era
async def test_export_dataset_writes_what_it_says(client, era, root):
    made = await call(client, "export_dataset", format="jsonl", dataset="game_tick")
    path = pathlib.Path(made["path"])
    assert path.is_relative_to(root.resolve() / "exports")
    data = path.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (made["bytes"], made["sha256"])
    assert len(data.splitlines()) == made["rows"] == TICKS
    manifest = json.loads((path.parent / "manifest.json").read_text())
    assert manifest["sha256"] == made["sha256"]


@each_era
async def test_resources_are_read(client, era, root):
    listed = {resource.uri for resource in (await client.list_resources()).resources}
    assert {"replayer://context", "replayer://manifest"} <= {str(uri) for uri in listed}
    templates = (await client.list_resource_templates()).resource_templates
    assert "replayer://game/{game_id}" in [template.uri_template for template in templates]

    context = (await client.read_resource("replayer://context")).contents[0].text
    assert "game_tick" in context
    manifest = json.loads((await client.read_resource("replayer://manifest")).contents[0].text)
    assert manifest["files"]["sealed"]["game_tick"]["rows"] == TICKS
    game_id = next(iter(GAMES))
    card = json.loads((await client.read_resource(f"replayer://game/{game_id}")).contents[0].text)
    assert card["game"]["game_id"] == game_id
    with pytest.raises(mcp.MCPError):
        await client.read_resource("replayer://nothing")


@each_era
async def test_game_ids_are_completed(client, era, root):
    template = mcp.types.ResourceTemplateReference(type="ref/resource", uri="replayer://game/{game_id}")
    found = await client.complete(template, {"name": "game_id", "value": "20251030-b"})
    assert found.completion.values == ["20251030-bbbbbbbbbbbbbbbb"]


@each_era
async def test_search_answers_from_the_shipped_reference_before_there_is_an_index(client, era, root):
    found = await call(client, "search", query="What fields are in playerUpdate?", limit=3)
    assert found["mode"] == "reference" and "replayer index build" in found["note"]
    assert any(hit["event_name"] == "playerUpdate" for hit in found["hits"])
    assert "next: " in await refused(client, "search", query="")
    assert "reference" in await refused(client, "search", query="side bets", kind="refrence")


@each_era
async def test_the_prompt_carries_the_question(client, era, root):
    assert "rugs-expert" in [prompt.name for prompt in (await client.list_prompts()).prompts]
    prompt = await client.get_prompt("rugs-expert", {"question": "How is a side bet paid?"})
    assert "How is a side bet paid?" in prompt.messages[0].content.text


@each_era
async def test_what_is_captured_and_live_is_told(client, era, root):
    status = await call(client, "capture")
    assert status["capture"] in {"idle", "off"} and status["drops"] == 0
    state = await call(client, "live_state")
    assert state["account"] is None
    past = await call(client, "live_state", at="2025-10-30T12:30:00Z", detailed=True)
    assert past["account"] is None and "capture" in past


@each_era
async def test_the_protocol_is_described_and_checked(client, era, root):
    overview = await call(client, "describe_protocol")
    assert len(json.dumps(overview)) < 24_000
    event = await call(client, "describe_protocol", event="gameStateUpdate")
    assert event
    assert "playerUpdate" in await refused(client, "describe_protocol", event="playerUpdat")
    # The older recordings hold ticks, no events.
    assert "scope" in await refused(client, "describe_protocol", diff={"a": "documentation", "b": "data"})
    queue = await call(client, "verify", action="queue")
    assert queue
    checked = await call(client, "verify", action="check", statement="on playerUpdate: cash >= 0")
    assert checked
    await refused(client, "verify", action="decide", proposal_id="nothing")


@each_era
async def test_a_game_is_walked(client, era, root):
    game_id, prices = list(GAMES.items())[2]
    opened = await call(client, "replay", action="open", game_id=game_id)
    cursor = opened["cursor"]
    for action in ({"action": "step", "n": 3}, {"action": "back", "n": 1}, {"action": "state"}):
        await call(client, "replay", cursor=cursor, **action)
    await call(client, "replay", action="close", cursor=cursor)
    assert "open" in await refused(client, "replay", action="step", cursor=cursor)


@each_era
async def test_games_are_proven_or_it_is_said_why_not(client, era, root):
    game_id = next(iter(GAMES))
    assert "seed" in json.dumps(await call(client, "check_fairness", game_id=game_id))
    await call(client, "check_fairness", audit=True)
    await refused(client, "check_fairness", game_id="20251030-aaaaaaaaaaaaaaab")


@each_era
async def test_a_chart_is_a_picture_with_a_summary(client, era, root):
    result = await client.call_tool("show_chart", {"game_id": next(iter(GAMES))})
    assert not result.is_error, result.content
    kinds = [block.type for block in result.content]
    assert kinds == ["text", "image"] and result.content[1].mime_type == "image/png"
    assert json.loads(result.content[0].text) == result.structured_content
