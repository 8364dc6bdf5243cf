#!/usr/bin/env -S node --max-semi-space-size=32
// Plain JavaScript, so that an old Node can read it: finds a Node that runs Quarry, then Quarry.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const OLDEST_MAJOR = 24;
// Requests live a millisecond: with room for more of them, most are gone before V8 looks. A quarter
// more requests a second (docs/performance.md). `npm start` says the same.
const FLAGS = ["--max-semi-space-size=32"];

if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
  nodeModule.enableCompileCache?.();
  // A checkout runs its sources; an installed package brings built JavaScript.
  const source = join(here, "main.ts");
  const main = existsSync(source) ? source : join(here, "..", "dist", "cli", "main.js");
  await import(main);
} else {
  const bundled = join(
    dirname(nodeModule.createRequire(import.meta.url).resolve("node/package.json")),
    "bin",
    "node",
  );
  const child = spawn(bundled, [...FLAGS, ...process.argv.slice(1)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(
      `quarry needs Node ${OLDEST_MAJOR} or newer, and ${bundled} does not run: ${error.message}`,
    );
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
