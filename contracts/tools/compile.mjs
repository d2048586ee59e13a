#!/usr/bin/env node
// Compiles contracts with the npm solc and writes one artefact per contract; with --check it writes
// nothing and fails when a committed artefact differs, is missing or has lost its source.
//
//   compile.mjs [--check] [--repository FOLDER] [CONTRACT...]
//
// Each file is compiled alone with what it imports: node numbers of the syntax tree reach the
// bytecode, so compiling everything together would change Token when Federation changes.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import solc from "solc";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/// Shipped contracts with one line changed, so that tests see who notices; their ABI is the same.
const VARIANTS = {
  OverpayingFederation: {
    contract: "Federation",
    file: "src/federation/Settling.sol",
    line: "else reward = share;",
    instead: "else reward = share + 1;",
  },
};
const COLLECTIONS = [
  { sources: "src", artefacts: "src/sheaf/ledger/artifacts" },
  { sources: "test/tokens", artefacts: "tests/contracts/artifacts" },
  { sources: "test/exposed", artefacts: "tests/contracts/exposed" },
  { sources: "src", artefacts: "tests/e2e/artifacts", variants: VARIANTS },
];
/// EIP-170 and EIP-3860: no chain deploys more.
const RUNTIME_LIMIT_BYTES = 24_576;
const CREATION_LIMIT_BYTES = 49_152;

class Failure extends Error {}

function settings() {
  const output = execFileSync(join(ROOT, "tools/forge"), ["config", "--json"], { cwd: ROOT });
  const config = JSON.parse(output.toString());
  return {
    evmVersion: config.evm_version,
    metadata: { appendCBOR: config.cbor_metadata, bytecodeHash: config.bytecode_hash },
    optimizer: { enabled: config.optimizer, runs: config.optimizer_runs },
    outputSelection: {
      "*": {
        "*": ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences",
          "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"],
      },
    },
    remappings: config.remappings,
    viaIR: config.via_ir,
  };
}

/// The text of a source, with the line of a variant replaced where it stands in this file.
function source(path, variant) {
  const text = readFileSync(join(ROOT, path), "utf8");
  if (path !== variant?.file) return text;
  const parts = text.split(variant.line);
  if (parts.length !== 2) {
    throw new Failure(`${path}: found '${variant.line}' ${parts.length - 1} times, expected once`);
  }
  return parts.join(variant.instead);
}

function compile(path, compilerSettings, variant = undefined) {
  const readImport = (imported) => existsSync(join(ROOT, imported))
    ? { contents: source(imported, variant) } : { error: "no such file" };
  const input = {
    language: "Solidity",
    settings: compilerSettings,
    sources: { [path]: { content: source(path, variant) } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const complaints = output.errors ?? [];
  if (complaints.length > 0) {
    throw new Failure(complaints.map((complaint) => complaint.formattedMessage).join("\n"));
  }
  const name = basename(path, ".sol");
  const contract = output.contracts[path]?.[name];
  if (!contract?.evm.bytecode.object) {
    throw new Failure(`${path}: found no deployable contract ${name}, expected one per file`);
  }
  return artefact(name, contract);
}

function artefact(name, { abi, evm }) {
  if (Object.keys(evm.bytecode.linkReferences).length > 0) {
    throw new Failure(`${name}: links a library at deployment; make its functions internal`);
  }
  const limits = [
    ["runtime", evm.deployedBytecode.object.length / 2, RUNTIME_LIMIT_BYTES],
    ["creation", evm.bytecode.object.length / 2, CREATION_LIMIT_BYTES],
  ];
  for (const [code, found, accepted] of limits) {
    if (found > accepted) {
      throw new Failure(`${name}: ${code} code has ${found} bytes, at most ${accepted} deploy`);
    }
  }
  return {
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    contractName: name,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    immutableReferences: evm.deployedBytecode.immutableReferences,
  };
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/// The names of a collection's artefacts.
function namesOf({ sources, variants }) {
  if (variants) return Object.keys(variants);
  const entries = readdirSync(join(ROOT, sources)).filter((entry) => entry.endsWith(".sol"));
  return entries.map((entry) => basename(entry, ".sol")).sort();
}

/// Artefact name to content, for every one of a collection that is wanted.
function artefactsOf(collection, wanted, compilerSettings) {
  const files = new Map();
  for (const name of namesOf(collection)) {
    if (!(wanted.size === 0 || wanted.has(name))) continue;
    const variant = collection.variants?.[name];
    const path = `${collection.sources}/${variant?.contract ?? name}.sol`;
    const compiled = sorted(compile(path, compilerSettings, variant));
    if (variant) compiled.abi = [];
    files.set(`${name}.json`, `${JSON.stringify(compiled, null, 2)}\n`);
  }
  return files;
}

function write(repository, folder, files) {
  mkdirSync(join(repository, folder), { recursive: true });
  for (const [name, content] of files) {
    writeFileSync(join(repository, folder, name), content);
    process.stdout.write(`${folder}/${name}\n`);
  }
}

function* differences(repository, folder, files) {
  for (const [name, content] of files) {
    const file = join(repository, folder, name);
    if (!existsSync(file)) yield `${folder}/${name}: missing, run 'make -C contracts compile'`;
    else if (readFileSync(file, "utf8") !== content) {
      yield `${folder}/${name}: differs, run 'make -C contracts compile' and read the diff`;
    }
  }
}

function* orphans(repository, collection) {
  const { artefacts } = collection;
  if (!existsSync(join(repository, artefacts))) return;
  const names = namesOf(collection);
  for (const entry of readdirSync(join(repository, artefacts)).sort()) {
    const name = basename(entry, ".json");
    if (name !== entry && !names.includes(name)) {
      yield `${artefacts}/${entry}: no source compiles to it, remove it`;
    }
  }
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      check: { type: "boolean", default: false },
      repository: { type: "string", default: join(ROOT, "..") },
    },
  });
  const compilerSettings = settings();
  const wanted = new Set(positionals);
  const unknown = new Set(positionals);
  const found = [];
  for (const collection of COLLECTIONS) {
    const files = artefactsOf(collection, wanted, compilerSettings);
    if (values.check) found.push(...differences(values.repository, collection.artefacts, files));
    else write(values.repository, collection.artefacts, files);
    for (const name of files.keys()) unknown.delete(basename(name, ".json"));
    found.push(...orphans(values.repository, collection));
  }
  for (const name of unknown) found.push(`${name}: no such contract`);
  if (found.length > 0) throw new Failure(found.join("\n"));
}

try {
  main();
} catch (error) {
  const usage = String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof Failure) && !usage) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = usage ? 2 : 1;
}
