/** Where a server listens. */
import { QuarryError } from "../base/errors.ts";

export type Address =
  /** A Unix socket. */
  { readonly path: string } | { readonly host: string; readonly port: number };

/** The system's room for the path of a Unix socket, less the closing zero. */
const SOCKET_PATH_BYTES = 107;

export function formatAddress(address: Address): string {
  if ("path" in address) return address.path;
  const { host, port } = address;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `host:port`, `[v6]:port` or the path of a socket. Throws `InvalidArgument`. */
export function parseAddress(text: string): Address {
  if (text.includes("/")) return { path: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535)
    throw new QuarryError("InvalidArgument", `${text} is no address; write host:port`);
  return { host, port };
}

/** True when the system takes this path for a Unix socket. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES;
}

/** Throws `InvalidArgument` for a path that the system would cut. */
export function checkAddress(address: Address): void {
  if ("path" in address && !fitsSocket(address.path))
    throw new QuarryError(
      "InvalidArgument",
      `the socket path ${address.path} is longer than ${SOCKET_PATH_BYTES} bytes: use a shorter one`,
    );
}
