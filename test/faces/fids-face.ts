/** Files with fids, bare ones and lists. A name is `fid:` and the TFS file name with its suffix. */
import { Files } from "../../client/embedded/files.ts";
import { fidName, parseFidName } from "../../client/fids/name.ts";
import type { Store } from "../../client/store.ts";
import type { Face } from "./face.ts";

const BUCKET = "faces-fids";
const SUFFIXES = ["", ".jpg", ".tar.gz"];

/** @param names by their keys, since a listing does not know suffixes; outlives the face. */
export function fidsFace(store: Store, names: Map<string, string>): Face {
  const files = new Files(store, BUCKET);
  const named = (fid: string) => {
    const parsed = parseFidName(fid);
    if (parsed === undefined) throw new Error(`${fid} is no fid`);
    const name = `fid:${fid}`;
    names.set(fidName(parsed.kind, parsed), name);
    return name;
  };
  return {
    ...{ kind: "fid", naming: "given" },
    draw: () => "",
    async put(_, content) {
      const suffix = SUFFIXES[content.length % SUFFIXES.length] ?? "";
      return named(await files.store(content, { suffix, large: content.length % 2 === 0 }));
    },
    async link(from) {
      const { fid = "" } = await store.link({ from, to: { bucket: BUCKET, suffix: ".lnk" } });
      return named(fid);
    },
    async read(name, span) {
      const fid = fidOf(name);
      const found = await files.fetch(fid);
      if (found !== undefined) return await found.bytes(span);
      // A kill may have come between hiding and revealing.
      if ((await files.stat(fid))?.isHidden !== true) return undefined;
      await files.reveal(fid);
      return await (await files.fetch(fid))?.bytes(span);
    },
    remove: (name) => files.remove(fidOf(name)),
    async describe(name) {
      if ((await files.stat(fidOf(name))) === undefined) return;
      await files.hide(fidOf(name));
      if ((await files.fetch(fidOf(name))) !== undefined) throw new Error(`${name} is not hidden`);
      await files.reveal(fidOf(name));
    },
    source: (name) => (isBare(name) ? undefined : { bucket: BUCKET, fid: fidOf(name) }),
    holds: (name) => (isBare(name) ? { content: false, more: 0 } : { content: true, more: 1 }),
    isListed: (name) => !isBare(name),
    async list() {
      const found = new Set<string>();
      const limit = 100;
      for (let after = ""; ; ) {
        const page = await store.names.list({
          ...{ bucket: BUCKET, prefix: "L", delimiter: "", after, limit },
        });
        for (const { key } of page.objects) found.add(names.get(key) ?? `fid:${key}`);
        if (!page.truncated || page.last === undefined) return found;
        after = page.last;
      }
    },
  };
}

export async function makeFids({ names }: Store): Promise<void> {
  await names.execute({ type: "createBucket", bucket: BUCKET, owner: "faces" });
}

const fidOf = (name: string) => name.slice("fid:".length);
export const isBare = (name: string) => name.startsWith("fid:T");
