/** Every route, held to its rule: what a stranger and nobody get of what is private. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allRoutes } from "../gateway/routes.ts";
import { Asking, type Place, refusal, refused, requestOf } from "./gateway-asking.ts";
import { other, user } from "./gateway-running.ts";

type Row = (typeof allRoutes)[number];
const named = allRoutes.map((row): [string, Row] => [`${row[3]} (${row[0]} ?${row[2]})`, row]);

const onObjects = named.filter(([, [, , , , access]]) => access.startsWith("object:"));
const probes = [
  {},
  { "if-none-match": "*" },
  { "if-match": '"x"' },
  { "if-modified-since": "Sat, 01 Jan 2050 00:00:00 GMT" },
  { range: "bytes=999-" },
];

let asking: Asking;
beforeAll(async () => {
  asking = await Asking.open();
});
afterAll(async () => {
  await asking[Symbol.asyncDispose]();
});

describe("a private bucket", () => {
  let home: Place;
  beforeAll(async () => {
    home = await asking.place();
  });

  test.each(named)("%s is refused to a stranger and to nobody", async (_, row) => {
    const [, level, , verb, access] = row;
    const wanted = requestOf(row, home);
    const [stranger, nobody] = [
      await asking.ask(other, wanted),
      await asking.ask(undefined, wanted),
    ];
    if (level === "service" && access === "anyone") {
      expect([stranger.status, nobody.status]).toEqual([200, 200]);
      expect(stranger.text + nobody.text).not.toContain(home.bucket);
      return;
    }
    expect(nobody.status).toBe(403);
    if (wanted.method !== "HEAD") expect(nobody.code).toBe("AccessDenied");
    if (verb === "CreateBucket") expect(stranger.code).toBe("BucketAlreadyExists");
    else if (verb === "GetUsage") expect(stranger.text).toContain("<TotalBytes>0<");
    // A form is signed by its fields: a signature in the header is a mistake, whoever signs.
    else if (verb === "PostObject") expect(stranger.status).toBe(400);
    else expect(stranger.status).toBe(403);
    if (stranger.status === 403 && wanted.method !== "HEAD")
      expect(stranger.code).toBe("AccessDenied");
  });

  test.each(named.filter(([, [, , , , access]]) => access !== "root"))(
    "%s is not refused to its owner",
    async (_, row) => {
      const told = await asking.ask(user, requestOf(row, await asking.place()));
      expect([403, 405, 501]).not.toContain(told.status);
    },
  );

  test.each(onObjects)("%s tells nothing of what is there", async (_, row) => {
    const base = requestOf(row, home);
    const join = base.url.includes("?") ? "&" : "?";
    const versions = ["", `${join}versionId=${home.version}`, `${join}versionId=null`];
    for (const who of [other, undefined]) {
      const told = new Set<string>();
      for (const key of ["secret", "gone", "absent"])
        for (const version of versions)
          for (const probe of probes) {
            const url = base.url.replace("secret", key) + version;
            const headers = { ...base.headers, ...probe };
            if (row[2] === "partNumber" && "range" in headers) continue; // not both, whoever asks
            told.add(refusal(await asking.ask(who, { ...base, url, headers })));
          }
      expect([...told]).toEqual([expect.stringMatching(/^403 /)]);
    }
  });

  test("nor does a copy into one's own bucket", async () => {
    const bucket = asking.newName();
    await asking.store.names.execute({ type: "createBucket", bucket, owner: "user-2" });
    const told = new Set<string>();
    for (const key of ["secret", "gone", "absent", `secret?versionId=${home.version}`]) {
      const headers = { "x-amz-copy-source": `/${home.bucket}/${key}` };
      const answer = await asking.ask(other, { method: "PUT", url: `/${bucket}/copy`, headers });
      expect(answer).toMatchObject(refused);
      told.add(refusal(answer));
    }
    expect(told.size).toBe(1);
  });
});
