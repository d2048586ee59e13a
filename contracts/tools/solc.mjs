#!/usr/bin/env node
// Stands in for a native `solc`: forge asks it for its version and hands it standard JSON on stdin,
// with every source inlined, so path options may be ignored. Anything else is refused.
import { readFileSync } from "node:fs";
import solc from "solc";

const PATH_OPTIONS = new Set(["--allow-paths", "--base-path", "--include-path"]);

function modeOf(argumentsGiven) {
  let mode;
  for (let index = 0; index < argumentsGiven.length; index += 1) {
    const argument = argumentsGiven[index];
    if (PATH_OPTIONS.has(argument)) {
      index += 1;
    } else if (mode === undefined && ["--version", "--standard-json"].includes(argument)) {
      mode = argument;
    } else if (!(mode === "--standard-json" && argument === "-")) {
      return undefined;
    }
  }
  return mode;
}

const mode = modeOf(process.argv.slice(2));
if (mode === "--version") {
  process.stdout.write(
    `solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`,
  );
} else if (mode === "--standard-json") {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  process.stderr.write("accepted: --version | --standard-json (input on stdin)\n");
  process.exitCode = 2;
}
