"""A session of the official Python MCP client with the server that a command starts. Prints what it found as JSON.

    session.py COMMAND ARGUMENT…
"""

import asyncio
import json
import os
import sys

import mcp


async def session(command: str, arguments: list[str]) -> dict:
    server = mcp.StdioServerParameters(command=command, args=arguments, env=dict(os.environ), cwd=os.getcwd())
    async with mcp.Client(server, mode="legacy", read_timeout_seconds=120) as client:
        tools = await client.list_tools()
        # The SQL worker is the binary started again: it has to find DuckDB's library too.
        answer = await client.call_tool("query_sql", {"sql": "SELECT 41 + 1 AS answer"})
        return {
            "version": client.server_info.version,
            "tools": sorted(tool.name for tool in tools.tools),
            "rows": (answer.structured_content or {}).get("rows"),
        }


print(json.dumps(asyncio.run(session(sys.argv[1], sys.argv[2:]))))
