/**
 * A request whose body takes long is judged again at its end (INV-5): what was revoked meanwhile ends
 * it, and it never reaches a bucket that was made meanwhile under the same name.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { BucketSettings } from "../rpc/objects.ts";
import { headText, other, runGateway, user } from "./gateway-running.ts";
import { addUser, memoryStore } from "./memory-store.ts";
import { type Signer, sha256, signRequest } from "./sign-request.ts";

let aheadMs = 0;
const store = await memoryStore();
const { names } = store;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
const running = await runGateway(store, clock);

afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

const openToAll: BucketSettings = {
  acl: [{ grantee: { type: "group", group: "AllUsers" }, permission: "WRITE" }],
};
let made = 0;
let bucket = "";

beforeEach(async () => {
  await addUser(store, { id: "user-2", displayName: "Other" }, other);
  bucket = `slow-${++made}`;
  await names.execute({ type: "createBucket", bucket, owner: "user-1", settings: openToAll });
});

interface Slow {
  readonly who: Signer | undefined;
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** Sends all but the last byte; once the gateway has those, `meanwhile` happens, then the last. */
async function slowly({ who, method, url, body }: Slow, meanwhile: () => Promise<unknown>) {
  const head = {
    host: running.host,
    "content-length": String(body.length),
    expect: "100-continue",
  };
  const signed =
    who === undefined
      ? { ...head, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }
      : signRequest(who, method, url, head, sha256(body), Date.now()).headers;
  const socket = connect(running.port, "127.0.0.1");
  let told = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    told += text;
  });
  socket.write(headText(method, url, { ...signed, connection: "close" }));
  await heard(socket, () => told.includes("100 Continue"));
  socket.write(body.slice(0, -1));
  aheadMs += limits.judgementMs;
  await meanwhile();
  socket.write(body.slice(-1));
  await new Promise((resolve) => socket.on("close", resolve));
  const answer = told.slice(told.lastIndexOf("HTTP/1.1 "));
  return [Number(answer.slice(9, 12)), /<Code>(\w+)</.exec(answer)?.[1]];
}

/** The body was asked for: the request was judged. */
async function heard(socket: Socket, enough: () => boolean): Promise<void> {
  while (!enough()) await new Promise((resolve) => socket.once("data", resolve));
}

const put = (who: Signer | undefined) => ({
  who,
  method: "PUT",
  url: `/${bucket}/key`,
  body: "bytes of a slow sender",
});

async function keysIn(name: string): Promise<string[]> {
  const page = { bucket: name, prefix: "", delimiter: "", after: "", limit: 10 };
  return (await names.list(page)).objects.map(({ key }) => key);
}

const revoke = () => names.execute({ type: "removeAccessKey", accessKey: other.accessKey });
const close = () => names.execute({ type: "configureBucket", bucket, change: { acl: null } });

async function makeAnew(settings: BucketSettings = {}): Promise<void> {
  await names.execute({ type: "deleteBucket", bucket });
  await names.execute({ type: "createBucket", bucket, owner: "user-1", settings });
}

describe("while the body of a PUT is on its way", () => {
  test.each([other, undefined])("nothing happens: it is stored (%#)", async (who) => {
    expect(await slowly(put(who), () => Promise.resolve())).toEqual([200, undefined]);
    expect(await keysIn(bucket)).toEqual(["key"]);
  });

  test("its key is revoked", async () => {
    expect(await slowly(put(other), revoke)).toEqual([403, "InvalidAccessKeyId"]);
    expect(await keysIn(bucket)).toEqual([]);
  });

  test("its key gets another secret, or another user", async () => {
    const { accessKey } = other;
    const secretKey = "yet-another-secret";
    const anew = (id: string) =>
      ({ type: "putAccessKey", user: id, accessKey, secretKey }) as const;
    const rotate = () => names.execute(anew("user-2"));
    expect(await slowly(put(other), rotate)).toEqual([403, "InvalidAccessKeyId"]);
    await addUser(store, { id: "user-2", displayName: "Other" }, other);
    const give = async () => {
      await revoke();
      await names.execute({ ...anew("user-1"), secretKey: other.secretKey });
    };
    expect(await slowly(put(other), give)).toEqual([403, "InvalidAccessKeyId"]);
    await revoke();
    expect(await keysIn(bucket)).toEqual([]);
  });

  test.each([other, undefined])("the grant is taken away (%#)", async (who) => {
    expect(await slowly(put(who), close)).toEqual([403, "AccessDenied"]);
    expect(await keysIn(bucket)).toEqual([]);
  });

  test("the bucket goes, and another gets its name", async () => {
    expect(await slowly(put(other), () => makeAnew(openToAll))).toEqual([404, "NoSuchBucket"]);
    expect(await keysIn(bucket)).toEqual([]);
    expect(await slowly(put(other), makeAnew)).toEqual([403, "AccessDenied"]);
  });

  test("the bucket goes", async () => {
    const remove = () => names.execute({ type: "deleteBucket", bucket });
    expect(await slowly(put(undefined), remove)).toEqual([404, "NoSuchBucket"]);
  });

  test("the same of a quick one: it is not stored in a bucket that it was not judged by", async () => {
    const quick = async () => {
      aheadMs -= limits.judgementMs;
      await makeAnew(openToAll);
    };
    expect(await slowly(put(user), quick)).toEqual([404, "NoSuchBucket"]);
    expect(await keysIn(bucket)).toEqual([]);
  });
});

test("a slow list of rights is not kept when its sender has lost the right to set it", async () => {
  const grants = [{ grantee: { type: "user", id: "user-2" }, permission: "FULL_CONTROL" }] as const;
  await names.execute({ type: "configureBucket", bucket, change: { acl: grants } });
  const body =
    "<AccessControlPolicy><Owner><ID>user-1</ID></Owner><AccessControlList><Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
  const ask = { who: other, method: "PUT", url: `/${bucket}?acl`, body };
  expect(await slowly(ask, close)).toEqual([403, "AccessDenied"]);
  expect((await names.bucket(bucket)).acl).toBeUndefined();

  const bytes = { bytes: (async function* () {})(), lengthBytes: 0 };
  await store.put({ bucket, key: "k" }, bytes, () => ({ etag: "e", owner: "user-1", acl: grants }));
  const closeObject = () =>
    names.execute({ type: "describeObject", bucket, key: "k", change: { acl: null } });
  const askObject = { ...ask, url: `/${bucket}/k?acl` };
  expect(await slowly(askObject, closeObject)).toEqual([403, "AccessDenied"]);
  expect((await names.lookup({ bucket, key: "k" })).object.attributes.acl).toBeUndefined();
});
