import { expect, test } from "vitest";
import { fastdfsFrom } from "./fastdfs-face.ts";
import { facesFrom } from "./more-faces.ts";

test.each([
  [{ fastdfsGroups: ["group1"] }, /--fastdfs-groups and --fastdfs-address go with/],
  [{ fastdfsAddress: "10.0.0.1" }, /--fastdfs-groups and --fastdfs-address go with/],
  [{ fastdfs: 1, fastdfsTokensFor: 5 }, /--fastdfs-tokens-for goes with --fastdfs-tokens/],
  [{ fids: 1, fidTokensFor: 5 }, /--fid-tokens-for goes with --fid-tokens/],
])("flags that would do nothing are refused: %j", (flags, message) => {
  expect(() => facesFrom(flags)).toThrow(message);
});

test("tokens count for fifteen minutes unless said", () => {
  expect(fastdfsFrom({ fastdfs: 1, fastdfsTokens: "file" })?.tokensKeptMs).toBe(900_000);
  expect(
    fastdfsFrom({ fastdfs: 1, fastdfsTokens: "file", fastdfsTokensFor: 5 })?.tokensKeptMs,
  ).toBe(5000);
});
