import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { placeOf } from "./connect.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quarry-profile-"));
  for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_DEFAULT_REGION", undefined);
  vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
  writeFileSync(
    join(folder, "config"),
    `[default]
region = eu-west-1   # where we are
[profile work]
endpoint_url = https://s3.work.example:9000
region=fr-par
[profile split]
services = mine
; a comment
[services mine]
s3 =
  endpoint_url = http://10.0.0.1:9000
dynamodb =
  endpoint_url = http://10.0.0.2
`,
  );
  writeFileSync(join(folder, "credentials"), "[keys only]\naws_access_key_id = A=B\n");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("nothing said: this machine, and the region of the default profile", () => {
  expect(placeOf({})).toEqual({ endpoint: "http://127.0.0.1:9000", region: "eu-west-1" });
});

test("a profile's own endpoint, also that of its services section", () => {
  expect(placeOf({ profile: "work" })).toEqual({
    endpoint: "https://s3.work.example:9000",
    region: "fr-par",
  });
  expect(placeOf({ profile: "split" }).endpoint).toBe("http://10.0.0.1:9000");
  expect(placeOf({ profile: "keys only" }).endpoint).toBe("http://127.0.0.1:9000");
});

test("flags win over a profile that is named, that over the environment, that over the file", () => {
  vi.stubEnv("AWS_ENDPOINT_URL", "http://env:1");
  vi.stubEnv("AWS_REGION", "env-1");
  expect(placeOf({})).toEqual({ endpoint: "http://env:1", region: "env-1" });
  expect(placeOf({ profile: "work" }).region).toBe("fr-par");
  expect(placeOf({ profile: "work", endpoint: "http://flag:1" }).endpoint).toBe("http://flag:1");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://env-s3:1");
  expect(placeOf({}).endpoint).toBe("http://env-s3:1");
});

test("a profile that is not there, and an address that is none, are said", () => {
  expect(() => placeOf({ profile: "nobody" })).toThrow(/no profile nobody/);
  expect(() => placeOf({ endpoint: "127.0.0.1:9000" })).toThrow(/no address/);
});
