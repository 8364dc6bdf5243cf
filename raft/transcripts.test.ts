/**
 * Scripts with what they lead to, read by people: `RAFT_REWRITE=1 npx vitest run raft/transcripts`
 * writes them anew; then read what changed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runTranscript } from "./testing/transcript.ts";

const folder = join(import.meta.dirname, "transcripts");
const rewrite = process.env["RAFT_REWRITE"] === "1";

describe("transcripts", () => {
  test.each(readdirSync(folder))("%s", (name) => {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const now = runTranscript(text);
    if (rewrite) writeFileSync(path, now);
    else expect(now).toBe(text);
  });
});
