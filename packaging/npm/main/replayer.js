#!/usr/bin/env node
"use strict";
// Starts the binary that lies in the package for this platform. Standard input and output are the binary's own, not
// copied through here: MCP messages pass between client and server alone. Signals and the exit code are passed on.

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const path = require("node:path");

const main = require("./package.json");

function fail(message) {
  process.stderr.write(`replayer: ${message}\n`);
  process.exit(1);
}

function binary() {
  const name = `${main.name}-${process.platform}-${process.arch}`;
  const known = Object.keys(main.optionalDependencies);
  if (!known.includes(name)) {
    const platforms = known.map((each) => each.slice(main.name.length + 1)).join(", ");
    fail(`there is no binary for ${process.platform}-${process.arch}, only for ${platforms}. ` +
      "It can be built from source: see the README.");
  }
  try {
    return path.join(path.dirname(require.resolve(`${name}/package.json`)), "bin", "replayer");
  } catch {
    fail(`the package ${name} ${main.version} is missing. npm leaves it out with --omit=optional, when it cannot be ` +
      `fetched, and on Linux without glibc (Alpine), where the binary does not run; else install it beside ${main.name}.`);
  }
}

const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => fail(`the binary cannot be started: ${error.message}`));

// The terminal sends Ctrl-C to both; handling it here keeps this process until the binary has ended in its own way.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}

child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
