/** 10,000 parts, the most that there are, through the gateway: the store has them in memory. */
import { expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { attacked, codeOf } from "../cve/attacked.ts";

test("10,000 parts: all listed, one too small refuses the whole, and all go", async () => {
  const on = await attacked();
  const begun = await on.send("POST", "/bucket/many?uploads=");
  const upload = /<UploadId>(.*)<\/UploadId>/.exec(begun)?.[1] ?? "";
  const etag = "0123456789abcdef0123456789abcdef";
  const numbers = Array.from({ length: limits.partNumber }, (_, i) => i + 1);
  for (let from = 0; from < numbers.length; from += 50)
    await Promise.all(
      numbers.slice(from, from + 50).map((part) => {
        const bytes = (async function* () {
          yield Buffer.from("tiny");
        })();
        const target = { bucket: "bucket", key: "many", upload, part };
        return on.store.putPart(target, { bytes }, () => ({ etag }));
      }),
    );
  const listed: number[] = [];
  for (let marker = 0, more = true; more; ) {
    const page = await on.send(
      "GET",
      `/bucket/many?part-number-marker=${marker}&uploadId=${upload}`,
    );
    for (const [, part] of page.matchAll(/<PartNumber>(\d+)</g)) listed.push(Number(part));
    more = page.includes("<IsTruncated>true<");
    marker = Number(/<NextPartNumberMarker>(\d+)</.exec(page)?.[1]);
  }
  expect(listed).toEqual(numbers);
  const complete = (parts: readonly number[]) => {
    // As clients write it, indented.
    const rows = parts.map(
      (part) =>
        `<Part>\n  <ETag>&quot;${etag}&quot;</ETag>\n  <PartNumber>${part}</PartNumber>\n</Part>\n`,
    );
    const body = `<CompleteMultipartUpload>${rows.join("")}</CompleteMultipartUpload>`;
    return on.send("POST", `/bucket/many?uploadId=${upload}`, { body });
  };
  expect(codeOf(await complete(numbers))).toBe("EntityTooSmall");
  expect(codeOf(await complete([...numbers, limits.partNumber + 1]))).toMatch(
    /^(MalformedXML|InvalidArgument)$/,
  );
  expect(codeOf(await complete([1]))).toBe("200");
  expect(await on.keys("bucket")).toEqual(["many"]);
  expect(codeOf(await on.send("GET", `/bucket/many?uploadId=${upload}`))).toBe("NoSuchUpload");
});
