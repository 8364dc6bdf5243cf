import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { moduleText } from "../assemble.ts";
import { seededRandom } from "../random.ts";
import { LANES, Md5Lanes, Md5Stream, WINDOW_BYTES } from "./lanes.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

test("the module is what the source builds", async () => {
  const checkedIn = readFileSync(join(import.meta.dirname, "module.ts"), "utf8");
  expect(await moduleText(import.meta.dirname)).toBe(checkedIn);
});

test("every length around the ends of blocks, alone", () => {
  const lanes = Md5Lanes.open();
  const bytes = seededRandom(1).bytes(300);
  for (let length = 0; length <= bytes.length; length++) {
    const stream = new Md5Stream();
    lanes.update([{ stream, bytes: bytes.subarray(0, length) }]);
    expect(lanes.digest(stream)).toBe(md5(bytes.subarray(0, length)));
  }
});

test("any number of streams of any lengths, cut anywhere, come and go: each is what node:crypto gives", () => {
  const lanes = Md5Lanes.open();
  const random = seededRandom(5);
  const below = (n: number) => random.u32() % n;
  interface Body {
    readonly bytes: Buffer;
    readonly stream: Md5Stream;
    at: number;
  }
  let open_: Body[] = [];
  let begun = 0;
  let ended = 0;
  while (ended < 300) {
    while (begun < 300 && open_.length < LANES && below(3) > 0) {
      const most = [70, 5000, 3 * WINDOW_BYTES][below(3)] ?? 1;
      open_.push({ bytes: random.bytes(below(most)), stream: new Md5Stream(), at: 0 });
      begun++;
    }
    const taken = open_.filter(() => below(4) > 0);
    const runs = taken.map((body) => {
      const most = [1, 63, 64, 65, 128, 1000, WINDOW_BYTES][below(7)] ?? 1;
      const bytes = body.bytes.subarray(body.at, body.at + most);
      body.at += bytes.length;
      return { stream: body.stream, bytes };
    });
    lanes.update(runs);
    for (const body of open_)
      if (body.at === body.bytes.length) {
        expect(lanes.digest(body.stream)).toBe(md5(body.bytes));
        ended++;
      }
    open_ = open_.filter((body) => body.at < body.bytes.length);
  }
});

test("a length beyond 32 bits of bits is counted", () => {
  const lanes = Md5Lanes.open();
  const stream = new Md5Stream();
  const hash = createHash("md5");
  const bytes = seededRandom(2).bytes(WINDOW_BYTES);
  for (let i = 0; i < 2 ** 29 / WINDOW_BYTES + 1; i++) {
    lanes.update([{ stream, bytes }]);
    hash.update(bytes);
  }
  expect(lanes.digest(stream)).toBe(hash.digest("hex"));
});
