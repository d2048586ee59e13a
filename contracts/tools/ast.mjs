#!/usr/bin/env node
// Writes the syntax tree of a Solidity text on stdin, as the pinned compiler reads it, to stdout.
import { readFileSync } from "node:fs";
import solc from "solc";

const input = {
  language: "Solidity",
  settings: { outputSelection: { "*": { "": ["ast"] } }, stopAfter: "parsing" },
  sources: { "text.sol": { content: readFileSync(0, "utf8") } },
};
const readImport = () => ({ contents: "" });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
const tree = output.sources?.["text.sol"]?.ast;
if (tree === undefined) {
  process.stderr.write(output.errors.map((error) => error.formattedMessage).join("\n"));
  process.exitCode = 1;
} else {
  process.stdout.write(JSON.stringify(tree));
}
