// What a host starts for an unpacked bundle and a user's settings, by the official library. Prints command and arguments.
//
//     node as_a_host.mjs FOLDER SETTINGS-AS-JSON
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";

const [folder, settings] = process.argv.slice(2);
const started = await getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(`${folder}/manifest.json`, "utf8")),
  extensionPath: folder,
  systemDirs: { HOME: homedir() },
  userConfig: JSON.parse(settings),
  pathSeparator: "/",
});
console.log(JSON.stringify(started));
