/** examples/image-site.ts, over HTTP. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { type EmbeddedStore, openStore } from "../../client/open-store.ts";
import { imageSite } from "../../examples/image-site.ts";

let directory = "";
let store: EmbeddedStore;
let site: Server;
let address = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-pictures-"));
  store = await openStore(directory);
  site = imageSite(await store.bucket("pictures")).listen(0, "127.0.0.1");
  await once(site, "listening");
  address = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterEach(async () => {
  site.closeAllConnections();
  site.close();
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const post = (body: Uint8Array<ArrayBuffer> | string, type = "image/png") =>
  fetch(`${address}/images`, { method: "POST", body, headers: { "content-type": type } });
const names = async () => (await (await fetch(`${address}/images`)).json()) as string[];

test("a picture goes up, is shown, and goes", async () => {
  const picture = new Uint8Array(seededRandom(1).bytes(3_000_000));
  const answer = await post(picture, "image/webp");
  expect(answer.status).toBe(201);
  const place = answer.headers.get("location") ?? "";
  const shown = await fetch(address + place);
  expect(shown.headers.get("content-type")).toBe("image/webp");
  expect(Buffer.from(await shown.arrayBuffer()).equals(picture)).toBe(true);
  expect(await names()).toEqual([place.slice("/images/".length)]);
  expect((await fetch(address + place, { method: "DELETE" })).status).toBe(204);
  expect((await fetch(address + place)).status).toBe(404);
  expect(await names()).toEqual([]);
  expect(await (await fetch(address)).text()).toContain("<title>Pictures</title>");
});

test("what is no picture, too large, or cut off is not kept", async () => {
  expect((await post("<svg/>", "image/svg+xml")).status).toBe(415);
  expect((await post(new Uint8Array(21 * 1024 * 1024))).status).toBe(413);
  const { port } = site.address() as AddressInfo;
  const sender = connect(port, "127.0.0.1");
  sender.write("POST /images HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n");
  sender.write("Content-Length: 1000\r\n\r\nonly this");
  await once(site, "request");
  sender.destroy();
  await once(sender, "close");
  expect((await post("whole")).status).toBe(201);
  expect(await names()).toHaveLength(1);
});
