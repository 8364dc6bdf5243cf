import { describe, expect, test } from "vitest";
import { allWorkloads, usualWorkloads, workloadOf } from "./workload.ts";

describe("names of workloads", () => {
  test.each([...allWorkloads.split(","), ...usualWorkloads.split(",")])("%s", (name) => {
    expect(workloadOf(name).name).toBe(name);
  });

  test("sizes are powers of 1024", () => {
    expect(workloadOf("range-64m-4k").sizes).toEqual([64 * 1024 * 1024, 4096]);
  });

  test.each([
    ["fly-4k", /no workload fly-4k.*put-SIZE/],
    ["put", /write put-SIZE/],
    ["put-4k-4k", /write put-SIZE/],
    ["put-4q", /4q is no size/],
    ["put-0k", /0k is no size/],
    ["put-65m", /larger ones are for multipart/],
    ["multipart-64m-1m", /parts have 5m/],
    ["range-4k-8k", /larger than the object/],
    ["list-1001", /1000 keys/],
    ["constructor-4k", /no workload/],
    ["fid-4k", /no workload fid-4k.*fid-put-SIZE/],
    ["fid-get", /write fid-get-SIZE/],
    ["fid-put-4m", /bare fids are for 4194272 bytes/],
    ["stream-put-65m", /larger ones/],
  ])("%s is none", (name, why) => {
    expect(() => workloadOf(name)).toThrow(why);
  });
});
