// A session of the official TypeScript MCP client with the server that a command starts. Prints what it found as JSON.
//
//     node session.mjs COMMAND ARGUMENT…
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "dist-test", version: "0" });
await client.connect(new StdioClientTransport({ command, args, env: { ...process.env } }));
const { tools } = await client.listTools();
const answer = await client.callTool({ name: "query_sql", arguments: { sql: "SELECT 41 + 1 AS answer" } });
console.log(JSON.stringify({
  version: client.getServerVersion().version,
  tools: tools.map((tool) => tool.name).sort(),
  rows: answer.structuredContent?.rows,
}));
await client.close();
