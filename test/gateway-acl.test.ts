/** What access control lists of buckets and objects grant over HTTP, and who owns what is written. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, type Identity } from "../gateway/identity.ts";
import type { BucketSettings, Grant, Permission } from "../rpc/objects.ts";
import { Asking, formTo, type Place, refused, type Wanted, type Who } from "./gateway-asking.ts";
import { other, user } from "./gateway-running.ts";

let asking: Asking;
beforeAll(async () => {
  asking = await Asking.open();
});
afterAll(async () => {
  await asking[Symbol.asyncDispose]();
});

const acl = (permission: Permission, grantee: Grant["grantee"]): Grant[] => [
  { grantee, permission },
];
const group = (name: Extract<Grant["grantee"], { type: "group" }>["group"]) =>
  ({ type: "group", group: name }) as const;
const stranger: Identity = { id: "user-2", displayName: "Other" };

describe("a bucket's list", () => {
  const verbs: Record<Exclude<Permission, "FULL_CONTROL">, (at: Place) => Wanted[]> = {
    READ: ({ bucket }) => [
      { method: "GET", url: `/${bucket}` },
      { method: "GET", url: `/${bucket}?versions=` },
      { method: "HEAD", url: `/${bucket}` },
      { method: "GET", url: `/${bucket}?uploads=` },
    ],
    WRITE: ({ bucket }) => [
      { method: "PUT", url: `/${bucket}/new`, body: "x" },
      { method: "DELETE", url: `/${bucket}/secret` },
      formTo(`/${bucket}`),
    ],
    READ_ACP: ({ bucket }) => [{ method: "GET", url: `/${bucket}?acl=` }],
    WRITE_ACP: ({ bucket }) => [
      { method: "PUT", url: `/${bucket}?acl=`, headers: { "x-amz-acl": "private" } },
    ],
  };
  const rights = Object.keys(verbs) as (keyof typeof verbs)[];

  test.each(rights)("%s gives that right and no other", async (granted) => {
    for (const right of rights) {
      const home = await asking.place({ acl: acl(granted, { type: "user", id: stranger.id }) });
      for (const wanted of verbs[right](home)) {
        // Nobody signs a form in its header.
        if (wanted.method === "POST") continue;
        const { status } = await asking.ask(other, wanted);
        expect(status < 300, `${granted}: ${wanted.method} ${wanted.url}`).toBe(granted === right);
        expect((await asking.ask(undefined, wanted)).status).toBe(403);
      }
    }
  });

  test("groups: everybody, everybody with a name, nobody", async () => {
    const list = ({ bucket }: Place): Wanted => ({ method: "GET", url: `/${bucket}` });
    const open = await asking.place({ acl: acl("READ", group("AllUsers")) });
    const known = await asking.place({ acl: acl("FULL_CONTROL", group("AuthenticatedUsers")) });
    const logs = await asking.place({ acl: acl("FULL_CONTROL", group("LogDelivery")) });
    const told = async (at: Place) => [
      (await asking.ask(undefined, list(at))).status,
      (await asking.ask(other, list(at))).status,
    ];
    expect(await told(open)).toEqual([200, 200]);
    expect(await told(known)).toEqual([403, 200]);
    expect(await told(logs)).toEqual([403, 403]);
    const form = formTo(
      `/${(await asking.place({ acl: acl("WRITE", group("AllUsers")) })).bucket}`,
    );
    expect((await asking.ask(undefined, form)).status).toBe(204);
  });

  test("who may list is told what is not there; who may not is not", async () => {
    const open = await asking.place({ acl: acl("READ", group("AllUsers")) });
    const get = (key: string) =>
      asking.ask(undefined, { method: "GET", url: `/${open.bucket}/${key}` });
    expect(await get("absent")).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(await get("gone")).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(await get("secret")).toMatchObject(refused);
  });
});

describe("an object's list", () => {
  test("opens it, whatever the bucket's says; judged before conditions", async () => {
    const home = await asking.place({}, { "x-amz-acl": "public-read" });
    const url = `/${home.bucket}/secret`;
    for (const who of [other, undefined]) {
      const get = (headers = {}) => asking.ask(who, { method: "GET", url, headers });
      expect((await get()).status).toBe(200);
      expect((await get({ "if-none-match": "*" })).status).toBe(304);
      expect((await get({ range: "bytes=999-" })).status).toBe(416);
      expect(await asking.ask(who, { method: "GET", url: `${url}?acl=` })).toMatchObject(refused);
      expect(await asking.ask(who, { method: "DELETE", url })).toMatchObject(refused);
    }
  });

  const writes: [string, Wanted][] = [
    ["PutObject", { method: "PUT", url: "/new", body: "x" }],
    ["CopyObject", { method: "PUT", url: "/new", headers: { "x-amz-copy-source": "$/secret" } }],
  ];
  test.each(writes)("%s sets it; a copy takes none over", async (_, wanted) => {
    const { bucket } = await asking.place({}, { "x-amz-acl": "public-read" });
    const url = `/${bucket}${wanted.url}`;
    const source = wanted.headers?.["x-amz-copy-source"]?.replace("$", bucket);
    const put = async (more: Record<string, string>) => {
      const headers = { ...more, ...(source !== undefined && { "x-amz-copy-source": source }) };
      expect((await asking.ask(user, { ...wanted, url, headers })).status).toBe(200);
      return (await asking.ask(undefined, { method: "GET", url })).status;
    };
    expect(await put({})).toBe(403);
    expect(await put({ "x-amz-acl": "public-read" })).toBe(200);
    expect(await put({ "x-amz-grant-read": 'id="user-2"' })).toBe(403);
  });

  test("an upload sets it, and the upload is of who began it", async () => {
    const { bucket } = await asking.place({ acl: acl("WRITE", group("AllUsers")) });
    const url = `/${bucket}/parts`;
    const headers = { "x-amz-acl": "public-read" };
    expect(await asking.ask(undefined, { method: "POST", url: `${url}?uploads=` })).toMatchObject(
      refused,
    );
    const begun = await asking.ask(user, { method: "POST", url: `${url}?uploads=`, headers });
    const id = /<UploadId>(\w+)</.exec(begun.text)?.[1] ?? "";
    const part = { method: "PUT", url: `${url}?partNumber=1&uploadId=${id}`, body: "x" };
    const end = {
      method: "POST",
      url: `${url}?uploadId=${id}`,
      body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag></Part></CompleteMultipartUpload>`,
    };
    for (const who of [other, undefined]) {
      for (const wanted of [part, end, { method: "GET", url: end.url }])
        expect(await asking.ask(who, wanted)).toMatchObject(refused);
      expect(await asking.ask(who, { method: "DELETE", url: end.url })).toMatchObject(refused);
    }
    expect((await asking.ask(user, part)).status).toBe(200);
    expect((await asking.ask(user, end)).status).toBe(200);
    expect((await asking.ask(undefined, { method: "GET", url })).status).toBe(200);
  });

  test("a completion that is sent again is answered again to who sent it, be it a guest", async () => {
    const { bucket } = await asking.place({ acl: acl("WRITE", group("AllUsers")) });
    const url = `/${bucket}/parts`;
    const begun = await asking.ask(other, { method: "POST", url: `${url}?uploads=` });
    const id = /<UploadId>(\w+)</.exec(begun.text)?.[1] ?? "";
    const part = { method: "PUT", url: `${url}?partNumber=1&uploadId=${id}`, body: "x" };
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag></Part></CompleteMultipartUpload>`;
    const end = { method: "POST", url: `${url}?uploadId=${id}`, body };
    expect((await asking.ask(other, part)).status).toBe(200);
    const first = await asking.ask(other, end);
    const again = await asking.ask(other, end);
    const etag = /<ETag>[^<]+/;
    expect(etag.exec(again.text)?.[0]).toBe(etag.exec(first.text)?.[0]);
    expect(etag.exec(first.text)?.[0]).toMatch(/-1/);
    expect((await asking.ask(other, part)).code).toBe("NoSuchUpload");
    expect((await asking.ask(undefined, end)).code).toBe("NoSuchUpload");
  });
});

describe("a list is asked for", () => {
  const policy = (owner: string, grantee: string) =>
    `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList><Grant><Grantee>${grantee}</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`;
  const theirs = "<ID>user-2</ID>";
  const canned = { "x-amz-acl": "public-read" };
  const wishes: [string, Omit<Wanted, "method" | "url">, number, string | undefined][] = [
    ["in a body", { body: policy("user-1", theirs) }, 200, undefined],
    ["by name", { headers: canned }, 200, undefined],
    ["by grants", { headers: { "x-amz-grant-read": "id=user-2" } }, 200, undefined],
    ["not at all", {}, 400, "MissingSecurityHeader"],
    ["twice", { headers: canned, body: policy("user-1", theirs) }, 400, "UnexpectedContent"],
    ["for another owner", { body: policy("user-2", theirs) }, 403, "AccessDenied"],
    ["for one not known", { body: policy("user-1", "<ID>x</ID>") }, 400, "InvalidArgument"],
    ["for nobody", { body: policy("user-1", "") }, 400, "MalformedACLError"],
    ["in no XML", { body: "public-read" }, 400, "MalformedXML"],
  ];

  test.each(wishes)("%s", async (_, wish, status, code) => {
    const { bucket } = await asking.place();
    for (const path of [`/${bucket}`, `/${bucket}/secret`]) {
      const set = { method: "PUT", url: `${path}?acl=`, ...wish };
      expect(await asking.ask(user, set)).toMatchObject({ status, code });
      const got = await asking.ask(other, { method: "GET", url: path });
      expect(got.status).toBe(status === 200 ? 200 : 403);
    }
  });

  test("and answered with the names of users", async () => {
    const { bucket } = await asking.place();
    const headers = { "x-amz-grant-read": 'id="user-2"', "x-amz-grant-full-control": "id=user-1" };
    await asking.ask(user, { method: "PUT", url: `/${bucket}/secret?acl=`, headers });
    const { text } = await asking.ask(user, { method: "GET", url: `/${bucket}/secret?acl=` });
    expect(text).toContain("<Owner><ID>user-1</ID><DisplayName>Tester</DisplayName></Owner>");
    expect(text).toContain("<ID>user-2</ID><DisplayName>Other</DisplayName>");
  });

  test("of an older version, which is not the latest's", async () => {
    const { bucket, version } = await asking.place();
    const url = `/${bucket}/secret`;
    await asking.ask(user, { method: "PUT", url, body: "newer" });
    const old = `acl=&versionId=${version}`;
    await asking.ask(user, { method: "PUT", url: `${url}?${old}`, headers: canned });
    const told = async (at: string) =>
      (await asking.ask(undefined, { method: "GET", url: at })).status;
    expect([await told(`${url}?versionId=${version}`), await told(url)]).toEqual([200, 403]);
  });
});

describe("ownership", () => {
  const open = (ownership?: BucketSettings["ownership"]) =>
    asking.place({
      acl: acl("WRITE", group("AllUsers")),
      ...(ownership !== undefined && { ownership }),
    });
  const put = (who: Who, bucket: string, canned?: string) =>
    asking.ask(who, {
      method: "PUT",
      url: `/${bucket}/theirs`,
      body: "x",
      ...(canned !== undefined && { headers: { "x-amz-acl": canned } }),
    });
  const get = async (who: Who, bucket: string) =>
    (await asking.ask(who, { method: "GET", url: `/${bucket}/theirs` })).status;
  const ownerOf = async (bucket: string) =>
    (await asking.store.names.lookup({ bucket, key: "theirs" })).object.attributes.owner;

  test("who writes an object owns it; the bucket's owner may delete it", async () => {
    const { bucket } = await open();
    expect((await put(other, bucket)).status).toBe(200);
    expect(await ownerOf(bucket)).toBe("user-2");
    expect([await get(other, bucket), await get(user, bucket)]).toEqual([200, 403]);
    expect((await put(other, bucket, "bucket-owner-read")).status).toBe(200);
    expect(await get(user, bucket)).toBe(200);
    const gone = await asking.ask(user, { method: "DELETE", url: `/${bucket}/theirs` });
    expect(gone.status).toBe(204);
  });

  test("what nobody wrote belongs to nobody: all may read it, its list stays", async () => {
    const { bucket } = await open();
    expect((await put(undefined, bucket)).status).toBe(200);
    expect(await ownerOf(bucket)).toBe(anonymous.id);
    expect([await get(undefined, bucket), await get(other, bucket)]).toEqual([200, 403]);
    const url = `/${bucket}/theirs?acl=`;
    const headers = { "x-amz-acl": "public-read" };
    expect(await asking.ask(undefined, { method: "PUT", url, headers })).toMatchObject(refused);
  });

  test("preferred: the bucket's owner has what is given with full control", async () => {
    const { bucket } = await open("BucketOwnerPreferred");
    await put(other, bucket);
    expect(await ownerOf(bucket)).toBe("user-2");
    await put(other, bucket, "bucket-owner-full-control");
    expect(await ownerOf(bucket)).toBe("user-1");
  });

  test("enforced: lists count for nothing and cannot be set", async () => {
    const home = await asking.place({}, { "x-amz-acl": "public-read" });
    const { bucket } = home;
    const controls = `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`;
    const wanted = { method: "PUT", url: `/${bucket}?ownershipControls=`, body: controls };
    expect((await asking.ask(user, wanted)).status).toBe(200);
    const url = `/${bucket}/secret`;
    expect((await asking.ask(undefined, { method: "GET", url })).status).toBe(403);
    const off = { status: 400, code: "AccessControlListNotSupported" };
    expect(await put(user, bucket, "public-read")).toMatchObject(off);
    expect(await put(user, bucket, "private")).toMatchObject(off);
    expect((await put(user, bucket, "bucket-owner-full-control")).status).toBe(200);
    const headers = { "x-amz-acl": "public-read" };
    for (const at of [`/${bucket}?acl=`, `${url}?acl=`])
      expect(await asking.ask(user, { method: "PUT", url: at, headers })).toMatchObject(off);
    const open = await asking.place({ acl: acl("READ", group("AllUsers")) });
    expect(
      await asking.ask(user, { ...wanted, url: `/${open.bucket}?ownershipControls=` }),
    ).toMatchObject({ status: 400, code: "InvalidBucketAclWithObjectOwnership" });
  });

  test("is asked for at creation, shown, and taken away", async () => {
    const make = (bucket: string, headers: Record<string, string>) =>
      asking.ask(user, { method: "PUT", url: `/${bucket}`, headers });
    const rule = { "x-amz-object-ownership": "BucketOwnerEnforced" };
    const [bucket, other] = [asking.newName(), asking.newName()];
    expect((await make(bucket, rule)).status).toBe(200);
    const at = `/${bucket}?ownershipControls=`;
    const { text } = await asking.ask(user, { method: "GET", url: at });
    expect(text).toContain("<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>");
    expect((await make(bucket, rule)).status).toBe(200);
    expect(await make(bucket, {})).toMatchObject({ status: 409, code: "BucketAlreadyExists" });
    expect((await asking.ask(user, { method: "DELETE", url: at })).status).toBe(204);
    const gone = { status: 404, code: "OwnershipControlsNotFoundError" };
    expect(await asking.ask(user, { method: "GET", url: at })).toMatchObject(gone);
    const open = { ...rule, "x-amz-acl": "public-read" };
    const clash = { status: 400, code: "InvalidBucketAclWithObjectOwnership" };
    expect(await make(other, open)).toMatchObject(clash);
    const unknown = { "x-amz-object-ownership": "Mine" };
    expect(await make(other, unknown)).toMatchObject({ status: 400, code: "InvalidArgument" });
  });
});
