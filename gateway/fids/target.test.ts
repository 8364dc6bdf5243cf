import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { S3Error } from "../s3/errors.ts";
import { fidTargetOf } from "./target.ts";

const FID = "T19RETByJT1RCvBVdK";

describe("a target", () => {
  test.each([
    ["/v1/shop", "shop", "", false, false],
    ["/v1/shop/", "shop", "", false, false],
    [`/v1/shop/${FID}`, "shop", FID, true, false],
    [`/v1/shop/${FID}.jpg`, "shop", `${FID}.jpg`, true, false],
    [`/v1/shop/${FID}?suffix=.jpg`, "shop", `${FID}.jpg`, true, false],
    [`/v1/shop/metadata/${FID}`, "shop", FID, true, true],
    ["/v1/shop/metadata/readme", "shop", "metadata/readme", false, false],
    [`/v1/shop/pictures/${FID}`, "shop", `pictures/${FID}`, false, false],
    ["/v1/shop/a%20b/c", "shop", "a b/c", false, false],
    ["/v1/shop/../etc", "shop", "../etc", false, false],
  ])("%s", (url, app, name, isFid, isMetadata) => {
    const target = fidTargetOf(url);
    expect(target).toMatchObject({ app, name, isMetadata });
    expect(target.fid !== undefined).toBe(isFid);
  });

  test.each(["/", "", "/v1", "/v1/", "/v2/shop/x", "/v1/%ff/x", `/v1/shop/${FID}.a?suffix=.b`])(
    "is not %s",
    (url) => {
      expect(() => fidTargetOf(url)).toThrow(S3Error);
    },
  );

  test("of rubbish is one, or an error in words", () => {
    const random = seededRandom(86);
    for (let i = 0; i < 5000; i++) {
      const rubbish = random.bytes(random.u32() % 40).toString("latin1");
      const url = `/v1/shop/${i % 2 === 0 ? FID : ""}${rubbish}`;
      try {
        expect(fidTargetOf(url).app).toBe("shop");
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
      }
    }
  });
});
