import { expect, test } from "vitest";
import { redirectTo } from "./redirect.ts";

const stored = { bucket: "b", key: "a b/ü&c=d\r\nSet-Cookie: x", etag: "e" };
const SAID = "bucket=b&key=a%20b%2F%C3%BC%26c%3Dd%0D%0ASet-Cookie%3A%20x&etag=%22e%22";

test.each([
  ["http://page.test/done", `http://page.test/done?${SAID}`],
  ["https://page.test", `https://page.test/?${SAID}`],
  ["https://page.test/?a=b#top", `https://page.test/?a=b&${SAID}#top`],
  ["https://page.test/ü x", `https://page.test/%C3%BC%20x?${SAID}`],
  // line ends do not come through the parser of URLs
  ["https://page.test/\r\nSet-Cookie: y", `https://page.test/Set-Cookie:%20y?${SAID}`],
  ["javascript:alert(1)", undefined],
  ["data:text/html,x", undefined],
  ["/relative", undefined],
  ["", undefined],
])("%j leads to %s", (address, there) => {
  expect(redirectTo(address, stored)).toBe(there);
});
