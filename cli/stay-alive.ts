/** Keeps the process while all that it does is wait: the timers of Quarry's clock do not. */
import { MessageChannel } from "node:worker_threads";

export function stayAlive(): Disposable {
  const { port1 } = new MessageChannel();
  port1.on("message", () => undefined);
  return { [Symbol.dispose]: () => port1.close() };
}
