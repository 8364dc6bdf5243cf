/** Reading maps: text or JSON, from a file or standard input; and writing results. */
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { CrushMap } from "../../crush/map.ts";
import { compile } from "../../crush/text/compile.ts";
import { undump } from "../../crush/undump.ts";

/** Reads a map; `-` is standard input. JSON starts with a brace, text never does. */
export async function readMap(path: string): Promise<CrushMap> {
  const text = await readText(path);
  if (!text.trimStart().startsWith("{")) return compile(text);
  try {
    return undump(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new QuarryError("InvalidArgument", `${path} is no JSON: ${error.message}`);
  }
}

async function readText(path: string): Promise<string> {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of path === "-" ? process.stdin : createReadStream(path)) {
    const bytes = part as Buffer;
    lengthBytes += bytes.length;
    if (lengthBytes > limits.crushTextBytes)
      throw new QuarryError("TooLarge", `${path} is larger than ${limits.crushTextBytes} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString();
}

const CHUNK = 64 * 1024;

/** Writes lines to a file, or to standard output at the reader's pace. */
export async function writeLines(lines: Iterable<string>, path?: string): Promise<void> {
  const target: Writable = path === undefined ? process.stdout : createWriteStream(path);
  // A reader that has seen enough (`| head`) is no error.
  let gone = false;
  target.once("error", (error: NodeJS.ErrnoException) => {
    gone = error.code === "EPIPE";
    if (!gone) target.destroy(error);
  });
  let waiting = "";
  for (const line of lines) {
    waiting += `${line}\n`;
    if (waiting.length < CHUNK) continue;
    if (gone) return;
    if (!target.write(waiting)) await Promise.race([once(target, "drain"), once(target, "close")]);
    waiting = "";
  }
  if (waiting !== "") target.write(waiting);
  if (path === undefined) return;
  target.end();
  await once(target, "finish");
}
