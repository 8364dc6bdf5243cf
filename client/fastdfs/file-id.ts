/**
 * FastDFS file ids, as FastDFS builds them: `group1/M00/2F/9A/` and a name of 27 characters, then 7 more:
 * digits of chance that fill up what the extension leaves, and the extension with its dot. The 27 are
 * base64 (`-` and `_` for 62 and 63, no padding) of 20 bytes, numbers big-endian:
 *
 *   0   u32  where it was stored: the bytes of an IPv4 address, or the number of a storage as u32
 *            little-endian, below 2^24
 *   4   u32  seconds since 1970
 *   8   u64  its size. Below 4 GiB: bit 63, 23 bits of chance from bit 32 on, and the size; otherwise the
 *            size itself. Bit 58: an appender file, whose size the name does not tell; bit 59: a trunk file
 *            (16 characters more before the extension tell where in its trunk it is; never made here)
 *   16  u32  CRC32 of the bytes it was uploaded with
 *
 * The two folders are a hash (PJW) of the 27 characters, as FastDFS' random distribution has it. A
 * slave's name is its master's with a prefix before the extension.
 */
import { QuarryError } from "../../base/errors.ts";

const NAME_CHARS = 27;
const EXTENSION_CHARS = 6;
const PREFIX_CHARS = 16;
/** `M00/00/00/` */
const FOLDER_CHARS = 10;
const MASTER_CHARS = FOLDER_CHARS + NAME_CHARS + EXTENSION_CHARS + 1;
const TRUNK_CHARS = 16;
/** What fits the buffers of FastDFS' clients. */
const KEY_CHARS = 127;

const SMALL = 1n << 63n;
const APPENDER = 1n << 58n;
const TRUNK = 1n << 59n;
const LOW_32 = 0xffff_ffffn;

/** What a name says of its size. */
export type NamedSize =
  | { readonly kind: "normal" | "trunk"; readonly lengthBytes: number }
  | { readonly kind: "appender" };

export interface NameFields {
  /** An IPv4 address, or the number of a storage. */
  readonly source: string;
  readonly createdS: number;
  readonly size: NamedSize;
  readonly crc32: number;
}

/**
 * @param chance 23 bits that tell files of one second apart.
 * @throws QuarryError `InvalidArgument` for a source that is none.
 */
export function encodeName(fields: NameFields, chance: number): string {
  const bytes = Buffer.alloc(20);
  writeSource(bytes, fields.source);
  bytes.writeUInt32BE(fields.createdS % 2 ** 32, 4);
  bytes.writeBigUInt64BE(sizeField(fields.size, BigInt(chance & 0x7f_ffff)), 8);
  bytes.writeUInt32BE(fields.crc32, 16);
  return bytes.toString("base64url");
}

function sizeField(size: NamedSize, chance: bigint): bigint {
  const salted = SMALL | (chance << 32n);
  if (size.kind === "appender") return salted | APPENDER;
  const length = BigInt(size.lengthBytes);
  if (size.kind === "trunk") return salted | TRUNK | length;
  return length > LOW_32 ? length : salted | length;
}

export function decodeName(name: string): NameFields {
  const bytes = Buffer.from(name, "base64url");
  const field = bytes.readBigUInt64BE(8);
  return {
    source: readSource(bytes),
    createdS: bytes.readUInt32BE(4),
    size: sizeOf(field),
    crc32: bytes.readUInt32BE(16),
  };
}

function sizeOf(field: bigint): NamedSize {
  if ((field & APPENDER) !== 0n) return { kind: "appender" };
  if ((field & TRUNK) !== 0n) return { kind: "trunk", lengthBytes: Number(field & LOW_32) };
  const length = (field & SMALL) === 0n ? field : field & LOW_32;
  return { kind: "normal", lengthBytes: Number(length) };
}

const address = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function writeSource(bytes: Buffer, source: string): void {
  const parts = address.exec(source)?.slice(1).map(Number) ?? [];
  const isAddress = parts.length === 4 && parts.every((part) => part < 256);
  if (!isAddress && !/^\d{1,8}$/.test(source))
    throw new QuarryError(
      "InvalidArgument",
      `a file id tells an IPv4 address or the number of a storage, not ${source}`,
    );
  if (isAddress) for (const [i, part] of parts.entries()) bytes.writeUInt8(part, i);
  else bytes.writeUInt32LE(Number(source) % 2 ** 24, 0);
}

function readSource(bytes: Buffer): string {
  const number = bytes.readUInt32LE(0);
  return number > 0 && number < 2 ** 24 ? String(number) : [...bytes.subarray(0, 4)].join(".");
}

const key = /^M[0-9A-F]{2}\/[0-9A-F]{2}\/[0-9A-F]{2}\/([A-Za-z0-9_-]{27})[A-Za-z0-9._-]*$/;

export interface FileKey extends NameFields {
  /** A file of its own that was uploaded for another one. */
  readonly slave: boolean;
}

/** What stands behind the group in an id. Undefined: FastDFS has no such names. */
export function parseKey(text: string): FileKey | undefined {
  const name = text.length > KEY_CHARS ? undefined : key.exec(text)?.[1];
  if (name === undefined) return undefined;
  const fields = decodeName(name);
  const most = fields.size.kind === "trunk" ? MASTER_CHARS + TRUNK_CHARS : MASTER_CHARS;
  return { ...fields, slave: text.length > most };
}

const hex = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");

/** @param digit draws one of 0 … 9. */
export function newKey(name: string, extension: string, digit: () => number): string {
  const hash = pjwHash(name) % 65_536;
  const dotted = extension === "" ? "" : `.${extension}`;
  const digits = Array.from({ length: EXTENSION_CHARS + 1 - dotted.length }, digit).join("");
  return `M00/${hex(hash >> 8)}/${hex(hash & 0xff)}/${name}${digits}${dotted}`;
}

/** The same key with another name, in the same folders. */
export const renamedKey = (from: string, name: string, digit: () => number) =>
  from.slice(0, FOLDER_CHARS) + newKey(name, extensionOf(from), digit).slice(FOLDER_CHARS);

function pjwHash(text: string): number {
  let hash = 0;
  for (const byte of Buffer.from(text, "latin1")) {
    hash = ((hash << 4) + byte) | 0;
    const high = hash & 0xf000_0000;
    if (high !== 0) hash = (hash ^ (high >> 24)) & 0x0fff_ffff;
  }
  return hash;
}

/** Where the dot of the extension is: among the last seven characters. */
function dotOf(name: string): number | undefined {
  const at = name.indexOf(".", name.length - EXTENSION_CHARS - 1);
  return at < 0 ? undefined : at;
}

export function extensionOf(name: string): string {
  const dot = dotOf(name);
  return dot === undefined ? "" : name.slice(dot + 1);
}

const letters = /^[A-Za-z0-9._-]*$/;

/** @throws QuarryError `InvalidArgument` for what a file id cannot end with. */
export function checkExtension(extension: string): string {
  if (extension.length > EXTENSION_CHARS || !letters.test(extension))
    throw new QuarryError(
      "InvalidArgument",
      `an extension has at most ${EXTENSION_CHARS} letters, digits or -_. characters`,
    );
  return extension;
}

/** @throws QuarryError `InvalidArgument` when that would be no name, or the master's own. */
export function slaveKey(master: string, prefix: string, extension: string): string {
  checkExtension(extension);
  if (prefix === "" || prefix.length > PREFIX_CHARS || !letters.test(prefix))
    throw new QuarryError(
      "InvalidArgument",
      `a slave's prefix has 1 to ${PREFIX_CHARS} letters, digits or -_. characters`,
    );
  const dotted = extension === "" || extension.startsWith(".") ? extension : `.${extension}`;
  if (dotted === "" && prefix === "-m")
    throw new QuarryError("InvalidArgument", "-m is where FastDFS keeps metadata");
  const name = master.slice(0, dotOf(master)) + prefix + dotted;
  if (parseKey(master) === undefined || parseKey(name) === undefined)
    throw new QuarryError("InvalidArgument", `${master} is no file id, or too long for a slave`);
  return name;
}

/** `group1/M00/…` in its two parts. */
export function splitId(id: string): { readonly group: string; readonly key: string } {
  const slash = id.indexOf("/");
  return { group: id.slice(0, Math.max(0, slash)), key: id.slice(slash + 1) };
}
