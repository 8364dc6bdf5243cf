/** Whose keys a command uses: never root's where somebody else's were given. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { givenCredentials } from "./connect.ts";

const root = { QUARRY_ROOT_ACCESS_KEY: "ROOT", QUARRY_ROOT_SECRET_KEY: "roots" };
const ada = { AWS_ACCESS_KEY_ID: "ADA", AWS_SECRET_ACCESS_KEY: "adas" };
const names = [...Object.keys(root), ...Object.keys(ada), "AWS_PROFILE"];
beforeEach(() => {
  for (const name of names) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());
const set = (environment: Readonly<Record<string, string>>) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
};

test("root's keys serve where nothing else is said", () => {
  expect(givenCredentials({})).toBeUndefined();
  set(root);
  expect(givenCredentials({})).toEqual({ accessKeyId: "ROOT", secretAccessKey: "roots" });
  expect(givenCredentials({ secretKey: "new" })).toEqual({
    accessKeyId: "ROOT",
    secretAccessKey: "new",
  });
});

test.each([ada, { AWS_PROFILE: "work" }])("%o come before root's", (said) => {
  set({ ...root, ...said });
  // What the SDK finds by itself.
  expect(givenCredentials({})).toBeUndefined();
});

test("a profile that is named, and flags, come before all", () => {
  set({ ...root, ...ada });
  expect(givenCredentials({ profile: "work" })).toBeUndefined();
  expect(givenCredentials({ secretKey: "new" })).toEqual({
    accessKeyId: "ADA",
    secretAccessKey: "new",
  });
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  expect(() => givenCredentials({ accessKey: "EVE" })).toThrow("belong together");
});
