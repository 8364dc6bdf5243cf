/**
 * The storage of one group, as FastDFS' clients know it. Most requests name the group too; those that
 * upload or change a file do not, so every group has a port of its own. Bodies by command, lengths in
 * bytes, numbers of 8 where nothing is said:
 *
 *   11, 23  upload, as appender   path index 1, size, extension 6, bytes → group 16, key
 *   21      upload slave          length of master, size, prefix 16, extension 6, master, bytes → the same
 *   24      append                length of key, size, key, bytes
 *   34      modify                length of key, offset, size, key, bytes
 *   36      truncate              length of key, bytes that stay, key
 *   38      regenerate            key → group 16, new key
 *   14      download              offset, size or 0 for all, group 16, key → bytes
 *   12      delete                group 16, key
 *   13      set metadata          length of key, of metadata, `O` or `M`, group 16, key, metadata
 *   15      get metadata          group 16, key → metadata
 *   22      query                 group 16, key → size, time, CRC32, address 16
 */
import { isIPv4 } from "node:net";
import { QuarryError } from "../../base/errors.ts";
import type { Body } from "../../client/store.ts";
import type { Connection } from "./connection.ts";
import type { Files } from "./files.ts";
import { answerHead, BodyReader, padded, type RequestHead, u64 } from "./frame.ts";
import { formatMetadata, parseMetadata } from "./metadata.ts";
import type { Handler } from "./server.ts";
import { STORAGE_NUMBER } from "./source.ts";

const GROUP_BYTES = 16;
const EXTENSION_BYTES = 6;
const PREFIX_BYTES = 16;
const ANY_PATH = 0xff;
/** Of a query: its CRC32 need not be computed. */
const NO_CRC = 1;
const ADDRESS_BYTES = 16;

export interface StorageOptions {
  readonly files: Files;
  readonly group: string;
  /** The address that clients know this storage by. */
  readonly addressFor: (connection: Connection) => string;
}

export class StorageHandler implements Handler {
  readonly #files: Files;
  readonly #group: string;
  readonly #addressFor: StorageOptions["addressFor"];

  constructor({ files, group, addressFor }: StorageOptions) {
    this.#files = files;
    this.#group = group;
    this.#addressFor = addressFor;
  }

  async handle(head: RequestHead, connection: Connection): Promise<void> {
    switch (head.command) {
      case 11:
        return await this.#upload(connection, false);
      case 23:
        return await this.#upload(connection, true);
      case 21:
        return await this.#uploadSlave(connection);
      case 24:
        return await this.#append(connection);
      case 34:
        return await this.#modify(connection);
      case 14:
        return await this.#download(connection);
      default: {
        const body = new BodyReader(await connection.read(head.lengthBytes));
        return await connection.answer(await this.#small(head, body));
      }
    }
  }

  /** What has no bytes of a file with it. */
  async #small({ command, flags }: RequestHead, body: BodyReader): Promise<Buffer | undefined> {
    const files = this.#files;
    const group = this.#group;
    switch (command) {
      case 12:
        await files.remove(...this.#named(body));
        return undefined;
      case 13:
        await this.#setMetadata(body);
        return undefined;
      case 15:
        return formatMetadata(await files.metadata(...this.#named(body)));
      case 22:
        return await this.#query(body, (flags & NO_CRC) === 0);
      case 36: {
        const keyBytes = body.number();
        const stays = body.number();
        await files.truncate(group, body.text(keyBytes), stays);
        return undefined;
      }
      case 38:
        return this.#named16(await files.regenerate(group, body.rest()));
      default:
        throw new QuarryError("NotImplemented", `there is no command ${command}`);
    }
  }

  /** Group and key, to the end of the body or of so many bytes. */
  #named(body: BodyReader, keyBytes?: number): [group: string, key: string] {
    const group = body.text(GROUP_BYTES);
    if (group !== this.#group)
      throw new QuarryError("InvalidArgument", `this is the storage of ${this.#group}`);
    return [group, keyBytes === undefined ? body.rest() : body.text(keyBytes)];
  }

  #named16(key: string): Buffer {
    return Buffer.concat([padded(this.#group, GROUP_BYTES), Buffer.from(key, "latin1")]);
  }

  async #upload(connection: Connection, appender: boolean): Promise<void> {
    const head = new BodyReader(await connection.read(1 + 8 + EXTENSION_BYTES));
    const path = head.byte();
    if (path !== 0 && path !== ANY_PATH)
      throw new QuarryError("InvalidArgument", `there is no path ${path}`);
    const body = bodyOf(connection, head.number());
    const extension = head.text(EXTENSION_BYTES);
    const address = this.#addressFor(connection);
    const source = isIPv4(address) ? address : STORAGE_NUMBER;
    const where = { group: this.#group, source };
    const key = await this.#files.upload(where, { extension, appender }, body);
    await connection.answer(this.#named16(key));
  }

  async #uploadSlave(connection: Connection): Promise<void> {
    const head = new BodyReader(await connection.read(16 + PREFIX_BYTES + EXTENSION_BYTES));
    const masterBytes = head.number();
    const size = head.number();
    const prefix = head.text(PREFIX_BYTES);
    const extension = head.text(EXTENSION_BYTES);
    const master = await textOf(connection, masterBytes);
    const slave = { master, prefix, extension };
    const key = await this.#files.uploadSlave(this.#group, slave, bodyOf(connection, size));
    await connection.answer(this.#named16(key));
  }

  async #append(connection: Connection): Promise<void> {
    const head = new BodyReader(await connection.read(16));
    const keyBytes = head.number();
    const size = head.number();
    const key = await textOf(connection, keyBytes);
    await this.#files.append(this.#group, key, bodyOf(connection, size));
    await connection.answer();
  }

  async #modify(connection: Connection): Promise<void> {
    const head = new BodyReader(await connection.read(24));
    const keyBytes = head.number();
    const offset = head.number();
    const size = head.number();
    const key = await textOf(connection, keyBytes);
    await this.#files.modify(this.#group, key, offset, bodyOf(connection, size));
    await connection.answer();
  }

  async #download(connection: Connection): Promise<void> {
    const body = new BodyReader(await connection.read(connection.unread));
    const offset = body.number();
    const wanted = body.number();
    const opened = await this.#files.open(...this.#named(body), offset);
    const { lengthBytes } = opened.object;
    if (offset > lengthBytes || (offset === lengthBytes && offset > 0))
      throw new QuarryError("InvalidArgument", `the file has ${lengthBytes} bytes`);
    const left = lengthBytes - offset;
    const size = wanted === 0 ? left : Math.min(wanted, left);
    await connection.send(answerHead(size));
    // The view is used again when the next is asked for.
    for await (const piece of opened.read(offset, size)) await connection.send(Buffer.from(piece));
  }

  async #setMetadata(body: BodyReader): Promise<void> {
    const keyBytes = body.number();
    const metadataBytes = body.number();
    const flag = String.fromCharCode(body.byte());
    if (flag !== "O" && flag !== "M")
      throw new QuarryError("InvalidArgument", "metadata is overwritten (O) or merged (M)");
    const [group, key] = this.#named(body, keyBytes);
    if (body.left !== metadataBytes)
      throw new QuarryError("InvalidArgument", `metadata has ${body.left} bytes`);
    const metadata = parseMetadata(body.take(metadataBytes));
    await this.#files.setMetadata(group, key, metadata, flag === "O" ? "overwrite" : "merge");
  }

  async #query(body: BodyReader, computeCrc: boolean): Promise<Buffer> {
    const info = await this.#files.info(...this.#named(body), computeCrc);
    const address = isIPv4(info.source) ? info.source : "";
    return Buffer.concat([
      ...[info.lengthBytes, info.modifiedS, info.crc32 ?? 0].map(u64),
      padded(address, ADDRESS_BYTES),
    ]);
  }
}

async function textOf(connection: Connection, lengthBytes: number): Promise<string> {
  const bytes = await connection.read(lengthBytes);
  return new BodyReader(bytes).rest();
}

/** All that is left of the request, which must be as much as it says. */
function bodyOf(
  connection: Connection,
  lengthBytes: number,
): Body & { readonly lengthBytes: number } {
  if (connection.unread !== lengthBytes)
    throw new QuarryError("InvalidArgument", "the request is not as long as it says");
  return { bytes: connection.rest(), lengthBytes };
}
