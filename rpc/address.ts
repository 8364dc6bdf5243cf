/** Where a server listens. */
import { QuarryError } from "../base/errors.ts";

export type Address =
  /** A Unix socket. */
  { readonly path: string } | { readonly host: string; readonly port: number };

/** The system's room for the path of a Unix socket, less the closing zero. */
const SOCKET_PATH_BYTES = 107;

export function formatAddress(address: Address): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

/** Throws `InvalidArgument` for a path that the system would cut. */
export function checkAddress(address: Address): void {
  if ("path" in address && Buffer.byteLength(address.path) > SOCKET_PATH_BYTES)
    throw new QuarryError(
      "InvalidArgument",
      `the socket path ${address.path} is longer than ${SOCKET_PATH_BYTES} bytes: use a shorter one`,
    );
}
