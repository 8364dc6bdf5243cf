import { expect, test } from "vitest";
import { createLogger, urlOf } from "./face.ts";

test.each([
  ["127.0.0.1", "127.0.0.1:9000"],
  ["::1", "[::1]:9000"],
])("an endpoint at %s is an address", (host, expected) => {
  expect(new URL(urlOf(host, 9000)).host).toBe(expected);
});

test("a line of the log names its level and its time", () => {
  let line = "";
  const logger = createLogger("info", "storage", { write: (text) => (line += text) });
  logger.warn({ block: 4 }, "something was mended");
  expect(JSON.parse(line)).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    role: "storage",
    pid: process.pid,
    block: 4,
    msg: "something was mended",
  });
});
