/** Published holes in what other S3 servers answer, tried on this one. */
import { describe, expect, test } from "vitest";
import { other } from "../gateway-running.ts";
import { attacked, codeOf } from "./attacked.ts";

test("CVE-2024-36107: 304 or 412 tells a stranger of an object, before the access check", async () => {
  const on = await attacked();
  const conditions: Record<string, string>[] = [
    { "if-none-match": "*" },
    { "if-match": '"no"' },
    { "if-modified-since": new Date(Date.now() + 1e6).toUTCString() },
    { "if-unmodified-since": new Date(0).toUTCString() },
  ];
  for (const headers of conditions)
    for (const method of ["GET", "HEAD"]) {
      const allowed = await on.send(method, "/strangers/secret", { as: other, headers });
      expect(allowed).toMatch(/^HTTP\/1.1 (304|412)/);
      for (const url of ["/strangers/secret", "/strangers/nothing"]) {
        expect(await on.raw(method, url, headers)).toMatch(/^HTTP\/1.1 403/);
        const stranger = await on.send(method, url, { headers });
        expect(stranger).toMatch(/^HTTP\/1.1 403/);
        expect(stranger).not.toMatch(/etag|last-modified/i);
      }
    }
});

describe("no header of an answer is put in by a request", () => {
  const injected = /^x-injected:/im;

  test.each([
    ["CVE-2020-10753", "\n"],
    ["CVE-2020-10753", "&#10;"],
    ["CVE-2021-3524", "\r"],
    ["CVE-2021-3524", "&#13;"],
    ["CVE-2021-3524", "&#xD;&#xA;"],
  ])("%s: an ExposeHeader of CORS with %j", async (_, end) => {
    const on = await attacked();
    const rule = (name: string, origin: string) =>
      `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>a${name}</AllowedHeader><ExposeHeader>b${name}</ExposeHeader></CORSRule></CORSConfiguration>`;
    for (const body of [
      rule(`${end}x-injected: 1`, "http://a"),
      rule(`${end}${end}<script>`, "http://a"),
      rule("", `http://a${end}x-injected: 1`),
    ])
      expect(await on.send("PUT", "/bucket?cors=", { body })).toMatch(/^HTTP\/1.1 400/);
    expect(codeOf(await on.send("GET", "/bucket?cors="))).toBe("NoSuchCORSConfiguration");
    expect(codeOf(await on.send("PUT", "/bucket?cors=", { body: rule("", "http://a") }))).toBe(
      "200",
    );
    const headers = { origin: "http://a", "access-control-request-method": "GET" };
    for (const asked of ["a", `a${end}x-injected: 1`]) {
      const preflight = { ...headers, "access-control-request-headers": asked };
      expect(await on.raw("OPTIONS", "/bucket/k", preflight)).not.toMatch(
        /^x-injected: 1\r\n[\s\S]*\r\n\r\n/im,
      );
    }
  });

  test.each([
    "response-content-type",
    "response-content-disposition",
    "response-cache-control",
    "response-expires",
  ])("CVE-2020-10753, CVE-2021-3524: %s cannot end its header", async (name) => {
    const on = await attacked();
    await on.send("PUT", "/bucket/k", { body: "x" });
    for (const end of ["%0D%0A", "%0A", "%0D", "%00"]) {
      const answer = await on.send("GET", `/bucket/k?${name}=a${end}x-injected%3A%201`);
      expect(codeOf(answer)).toBe("InvalidArgument");
      expect(answer).not.toMatch(injected);
    }
  });
});
