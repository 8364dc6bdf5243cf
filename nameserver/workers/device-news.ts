/**
 * Tells the log when a device goes down, fills up, fails, gets slow, and when it is well again. Of one
 * that comes and goes that is told, instead of every time.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { type Slowness, slowDevices } from "../../rpc/slow-devices.ts";
import type { WorkContext, Worker } from "./worker.ts";

type Mood = DeviceStatus["state"] | "unsteady" | "slow";

const news: Readonly<Record<Exclude<Mood, "slow">, string>> = {
  ok: "is up, and has room",
  full: "is full: it takes no more, add room or another device",
  failed: "takes no more writes after an error of its disk: see the log of its dataserver",
  down: "is down: its dataserver is not heard of, and what it has cannot be read",
  unsteady:
    "goes down and comes back again and again: it gets no new blocks until it has been up for a while; see the log of its dataserver",
};

const slowWords = ({ at, tookMs, usualMs }: Slowness) =>
  `is slow: ${at} take ${tookMs} ms, those of the others ${usualMs}: it gets no new blocks while the others suffice; is its disk well?`;

export function deviceNews({ blocks, report }: Pick<WorkContext, "blocks" | "report">): Worker {
  const moods = new Map<DeviceId, Mood>();
  return {
    name: "news of devices",
    async step() {
      const statuses = await blocks.devices();
      const slow = slowDevices(statuses);
      for (const status of statuses) {
        const { device, path } = status;
        const before = moods.get(device);
        const slowness = slow.get(device);
        const mood = moodOf(status, slowness);
        moods.set(device, mood);
        // A leader that is new to its office has not heard of everybody yet.
        if (before === undefined || before === mood) continue;
        const words = mood === "slow" ? slowness && slowWords(slowness) : news[mood];
        report(`device ${device} (${path}) ${words}`);
      }
      return false;
    },
  };
}

function moodOf({ state, unsteadyMs = 0 }: DeviceStatus, slowness: Slowness | undefined): Mood {
  if (unsteadyMs > 0 && (state === "ok" || state === "down")) return "unsteady";
  return state === "ok" && slowness !== undefined ? "slow" : state;
}
