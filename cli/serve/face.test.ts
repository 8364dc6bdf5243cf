import { expect, test } from "vitest";
import { urlOf } from "./face.ts";

test.each([
  ["127.0.0.1", "127.0.0.1:9000"],
  ["::1", "[::1]:9000"],
])("an endpoint at %s is an address", (host, expected) => {
  expect(new URL(urlOf(host, 9000)).host).toBe(expected);
});
