/** What the thread runs: between two windows it looks for what has come meanwhile. */
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { systemClock, type Timer } from "../../base/clock.ts";
import { Md5Lanes } from "../../base/md5/lanes.ts";
import type { DigestRequest } from "./digest-messages.ts";
import { Digesting } from "./digesting.ts";

if (parentPort !== null) {
  const port = parentPort;
  const digesting = new Digesting(Md5Lanes.open(), (replies) => port.postMessage(replies));
  const nowMs = () => systemClock.monotonicMs();
  let timer: Timer | undefined;
  const run = () => {
    do
      for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port))
        digesting.take(more.message as DigestRequest, nowMs());
    while (digesting.step(nowMs()));
    timer?.cancel();
    const { dueMs } = digesting;
    timer = dueMs < Infinity ? systemClock.after(Math.max(dueMs - nowMs(), 0), run) : undefined;
  };
  port.on("message", (request: DigestRequest) => {
    digesting.take(request, nowMs());
    run();
  });
}
