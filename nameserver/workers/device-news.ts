/** Tells the log when a device goes down, fills up, fails, and when it is well again. */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { WorkContext, Worker } from "./worker.ts";

const news: Readonly<Record<DeviceStatus["state"], string>> = {
  ok: "is up and takes blocks",
  full: "is full: it takes no more, add room or another device",
  failed: "takes no more writes after an error of its disk: see the log of its dataserver",
  down: "is down: its dataserver is not heard of, and what it has cannot be read",
};

export function deviceNews({ blocks, report }: Pick<WorkContext, "blocks" | "report">): Worker {
  const states = new Map<DeviceId, DeviceStatus["state"]>();
  return {
    name: "news of devices",
    async step() {
      for (const { device, path, state } of await blocks.devices()) {
        const before = states.get(device);
        states.set(device, state);
        // A leader that is new to its office has not heard of everybody yet.
        if (before !== undefined && before !== state)
          report(`device ${device} (${path}) ${news[state]}`);
      }
      return false;
    },
  };
}
