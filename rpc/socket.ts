/**
 * Sockets that hand out what they receive in one buffer, used again for the next bytes of any of them
 * (two to three times the throughput of a fresh buffer for each). A receiver answers whether to go on.
 */
import { isIP, type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { Address } from "./address.ts";
import type { TlsIdentity } from "./tls.ts";

/** Takes bytes that are valid during the call only; false pauses until `resume`. */
export type Receive = (chunk: Buffer) => boolean;

/** Of all sockets of this thread: nobody keeps any of it, so it stays in the processor's cache. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);

function reusing(receive: Receive): OnReadOpts {
  return { buffer, callback: (lengthBytes) => receive(buffer.subarray(0, lengthBytes)) };
}

/** A socket that is being connected; `open` is called when bytes can be sent. */
export function connectSocket(
  address: Address,
  tls: TlsIdentity | undefined,
  receive: Receive,
  open: () => void,
): Socket {
  const onread = reusing(receive);
  if (tls !== undefined) {
    const host = "host" in address ? address.host : "localhost";
    const secured = connectTls({
      ...address,
      ...(isIP(host) === 0 && { servername: host }),
      ...{ secureContext: tls.context, onread },
    });
    return secured.setNoDelay(true).setKeepAlive(true).once("secureConnect", open);
  }
  const socket = new Socket({ onread, noDelay: true, keepAlive: true });
  socket.once("connect", open);
  return "path" in address
    ? socket.connect(address.path)
    : socket.connect(address.port, address.host);
}

/**
 * Starts receiving from an accepted, still paused socket; returns the socket to use from now on.
 * Node gives accepted sockets no `onread`, so the connection moves to a socket that has it; with TLS,
 * or where Node's insides have changed, the accepted one serves, only slower.
 */
export function receiveFrom(accepted: Socket, receive: Receive): Socket {
  const inside = accepted as unknown as { _handle?: object | null };
  const handle = inside._handle;
  if (handle === undefined || handle === null || accepted instanceof TLSSocket) {
    accepted.on("data", (chunk: Buffer) => {
      if (!receive(chunk)) accepted.pause();
    });
    accepted.resume();
    return accepted;
  }
  const options = { handle, onread: reusing(receive) };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  inside._handle = null;
  // the server counts the accepted one
  socket.once("close", () => accepted.destroy());
  socket.resume();
  return socket;
}
