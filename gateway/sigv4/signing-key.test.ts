import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { SigningKey } from "./signing-key.ts";

test("signs as HMAC-SHA256 does, whatever the key and the text", () => {
  const random = seededRandom(11);
  for (let n = 0; n < 300; n++) {
    const bytes = random.bytes(n % 65);
    const key = new SigningKey(bytes);
    for (const length of [0, n, 340 + (n % 4), 3 * n]) {
      const text = Array.from({ length }, () =>
        String.fromCharCode(random.u32() % (n % 3 === 0 ? 0xd800 : 128)),
      ).join("");
      expect(key.sign(text)).toBe(createHmac("sha256", bytes).update(text).digest("hex"));
    }
  }
});
