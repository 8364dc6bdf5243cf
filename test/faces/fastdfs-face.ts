/**
 * Files of a FastDFS group, over the storage's port. A name is `fastdfs:` and what stands behind the
 * group in its id. Appender files are appended to and cut off.
 */
import { parseKey } from "../../client/fastdfs/file-id.ts";
import type { Store } from "../../client/store.ts";
import { SmallClient } from "../fastdfs/small-client.ts";
import type { Face } from "./face.ts";

const GROUP = "group1";
const UPLOAD = 11;
const UPLOAD_APPENDER = 23;
const ENOENT = 2;

export function fastdfsFace(store: Store, port: number): Face {
  /** Each in a connection of its own, as a client's pool that is always empty. */
  const ask = async <T>(what: (client: SmallClient) => Promise<T>): Promise<T> => {
    using client = await SmallClient.to(port);
    return await what(client);
  };
  return {
    ...{ kind: "fastdfs", naming: "given" },
    draw: () => "",
    async put(_, content) {
      const command = content.length % 2 === 0 ? UPLOAD_APPENDER : UPLOAD;
      const key = await ask((client) => client.upload(content, "bin", command));
      if (typeof key === "number") throw new Error(`an upload was refused with ${key}`);
      return `fastdfs:${key}`;
    },
    async link(from) {
      const { key } = await store.link({ from, to: { bucket: GROUP, extension: "lnk" } });
      return `fastdfs:${key}`;
    },
    async read(name, span) {
      const { start = 0, end = 0 } = span ?? {};
      const { status, body } = await ask((client) =>
        client.download(keyOf(name), start, end - start),
      );
      if (status === ENOENT) return undefined;
      if (status !== 0) throw new Error(`${name} is answered with ${status}`);
      return body;
    },
    async remove(name) {
      const status = await ask((client) => client.remove(keyOf(name)));
      if (status !== 0 && status !== ENOENT) throw new Error(`${name} is not removed: ${status}`);
    },
    async restore(name) {
      await store.names.execute({ type: "undelete", bucket: GROUP, key: keyOf(name) });
    },
    async describe(name, number) {
      const text = `number\x02${number}`;
      const status = await ask((client) => client.setMetadata(keyOf(name), "M", text));
      if (status !== 0 && status !== ENOENT) throw new Error(`${name} is not described: ${status}`);
    },
    changes: {
      may: (name) => parseKey(keyOf(name))?.size.kind === "appender",
      append: (name, more) =>
        mustSucceed(
          name,
          ask((client) => client.append(keyOf(name), more)),
        ),
      truncate: (name, lengthBytes) =>
        mustSucceed(
          name,
          ask((client) => client.truncate(keyOf(name), lengthBytes)),
        ),
    },
    source: (name) => ({ bucket: GROUP, key: keyOf(name) }),
    holds: () => ({ content: true, more: 0 }),
    async list() {
      const found = new Set<string>();
      for (let after = ""; ; ) {
        const page = await store.names.list({
          ...{ bucket: GROUP, prefix: "", delimiter: "", after, limit: 100 },
        });
        for (const { key } of page.objects) found.add(`fastdfs:${key}`);
        if (!page.truncated || page.last === undefined) return found;
        after = page.last;
      }
    },
    isListed: () => true,
  };
}

async function mustSucceed(name: string, asked: Promise<number>): Promise<void> {
  const status = await asked;
  if (status !== 0) throw new Error(`${name} is not changed: ${status}`);
}

const keyOf = (name: string) => name.slice("fastdfs:".length);
