"""The same queries over the same parts: `replayer serve` and MotherDuck's MCP server, both over stdio, alternating.

    pip install mcp-server-motherduck
    REPLAYER_BENCH_ROOT=/tmp/r3 REPLAYER_BENCH_TICKS=3000000 cargo bench --bench bench -- year
    python3 benches/beside_motherduck.py /tmp/r3 target/release/replayer mcp-server-motherduck

Prints medians of 21 runs after two that warm up, milliseconds, and ours divided by theirs.
"""

import json
import os
import statistics
import subprocess
import sys
import time

RUNS, WARM_UP = 21, 2


class Server:
    """An MCP server on stdio."""

    def __init__(self, *command):
        environment = {**os.environ, "REPLAYER_CAPTURE": "off", "RUST_LOG": "off"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.last_id = 0
        client = {"name": "race", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        self.last_id += 1
        self.send({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.last_id:
                return answer

    def milliseconds(self, tool, arguments):
        """How long a call takes; it has to succeed."""
        begun = time.perf_counter()
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments})
        took = (time.perf_counter() - begun) * 1e3
        if answer.get("error") or answer["result"].get("isError"):
            raise SystemExit(json.dumps(answer)[:500])
        return took


def queries(game):
    return [
        "SELECT count(*) FROM game_tick",
        "SELECT max(price), avg(price) FROM game_tick",
        "SELECT game_id, max(price) AS peak, count(*) AS n FROM game_tick GROUP BY game_id ORDER BY peak DESC, game_id LIMIT 10",
        "SELECT game_id, tick, price FROM game_tick ORDER BY price DESC LIMIT 100",
        f"SELECT tick, price FROM game_tick WHERE game_id = '{game}' ORDER BY tick",
        "SELECT phase, rugged, count(*), avg(price), stddev(price) FROM game_tick GROUP BY ALL ORDER BY ALL",
        "SELECT date_trunc('hour', ts) AS h, count(*) AS n, stddev(price) AS s FROM game_tick GROUP BY h ORDER BY h",
    ]


def main():
    root, ours, theirs = sys.argv[1:4]
    parts = f"{root}/events_parquet/doc_type=game_tick/**/*.parquet"
    view = f"CREATE VIEW game_tick AS SELECT * FROM read_parquet('{parts}', hive_partitioning = false)"
    replayer = Server(ours, "serve", "--data", root)
    motherduck = Server(theirs, "--db-path", ":memory:", "--read-write", "--init-sql", view)
    with open(f"{root}/bench-game", encoding="utf-8") as file:
        game = file.read().split()[0]
    print(f"{'ours':>8} {'theirs':>8} ratio")
    for sql in queries(game):
        times = [], []
        for _ in range(WARM_UP + RUNS):
            times[0].append(replayer.milliseconds("query_sql", {"sql": sql, "max_rows": 1000}))
            times[1].append(motherduck.milliseconds("execute_query", {"sql": sql}))
        mine, other = (statistics.median(each[WARM_UP:]) for each in times)
        print(f"{mine:8.2f} {other:8.2f} {mine / other:5.2f}  {sql}")


if __name__ == "__main__":
    main()
