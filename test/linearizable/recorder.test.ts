import { expect, test } from "vitest";
import { Recorder } from "./recorder.ts";

const done = { type: "done" } as const;
const read = { type: "read" } as const;
const put = (etag: string) => ({ type: "put", etag }) as const;

test("a key is judged when it is over and nothing is under way on it, and then forgotten", () => {
  const recorder = new Recorder();
  const write = recorder.begin(1, "k", put("a"));
  recorder.over("k");
  expect([recorder.judged, recorder.keys]).toEqual([0, 1]);
  recorder.end(write, done);
  expect([recorder.judged, recorder.keys, recorder.operations]).toEqual([1, 0, 1]);
  expect(recorder.wrong).toEqual([]);
});

test("a stale read is found, and its history is told", () => {
  const recorder = new Recorder();
  for (const etag of ["a", "b"]) recorder.end(recorder.begin(1, "k", put(etag)), done);
  recorder.end(recorder.begin(2, "k", read), { type: "seen", seen: "a" });
  recorder.over("k");
  expect(recorder.wrong).toEqual([expect.stringContaining('5…6 client 2 {"type":"read"}')]);
});

test("what was not answered may take effect late; what certainly did not happen may not", () => {
  for (const outcome of ["open", "none"] as const) {
    const recorder = new Recorder();
    const lost = recorder.begin(1, "k", put("a"));
    recorder.end(lost, outcome);
    recorder.end(recorder.begin(2, "k", put("b")), done);
    recorder.end(recorder.begin(2, "k", read), { type: "seen", seen: "a" });
    recorder.over("k");
    expect(recorder.wrong.length).toBe(outcome === "open" ? 0 : 1);
  }
});
