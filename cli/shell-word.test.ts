import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellWord } from "./shell-word.ts";

test.each([
  "plain/name-1.jpg",
  "two words",
  "it's",
  '$HOME `x` \\ "',
  "",
  "~",
  "a*",
  "été",
  "line\nbreak",
])("%j is one word of a shell", (text) => {
  expect(execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" })).toBe(
    text,
  );
});

test("what needs no quotes has none", () => {
  expect(shellWord("host:7001,host:7002")).toBe("host:7001,host:7002");
});
