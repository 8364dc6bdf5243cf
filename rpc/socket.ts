/**
 * Sockets that hand out what they receive in a buffer that is used again for the next bytes. A
 * receiver answers whether to go on reading; `resume` goes on.
 */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "./address.ts";

/** Takes bytes that are valid during the call only; false pauses. */
export type Receive = (chunk: Buffer) => boolean;

const RECEIVE_BYTES = 256 * 1024;

export function connectSocket(address: Address, receive: Receive): Socket {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  const onread = {
    buffer,
    callback: (lengthBytes: number) => receive(buffer.subarray(0, lengthBytes)),
  };
  const target: NetConnectOpts =
    "path" in address
      ? { path: address.path, onread }
      : { host: address.host, port: address.port, noDelay: true, keepAlive: true, onread };
  return connect(target);
}

export function receiveFrom(socket: Socket, receive: Receive): void {
  socket.on("data", (chunk: Buffer) => {
    if (!receive(chunk)) socket.pause();
  });
}
