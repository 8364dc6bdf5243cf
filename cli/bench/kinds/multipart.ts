/** Whole multipart uploads: begun, the parts one after the other, completed. */
import { QuarryError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Kind } from "../workload.ts";
import { lanesFor, writable } from "./object-kind.ts";

const MiB = 1024 * 1024;
const PART_BYTES_MIN = 5 * MiB;

export const multipart: Kind = {
  form: "SIZE-PARTSIZE",
  what: "multipart uploads",
  check([, partBytes = 0]) {
    if (partBytes < PART_BYTES_MIN || partBytes > limits.benchWholeBytes)
      throw new QuarryError("InvalidArgument", "parts have 5m to 64m");
  },
  lanes: lanesFor,
  async prepare(stage, [bytes = 0, partBytes = 0]) {
    const parts = Math.ceil(bytes / partBytes);
    const last = stage.payload(bytes - (parts - 1) * partBytes);
    const whole = stage.payload(partBytes);
    return {
      async run(lane, n) {
        const key = stage.freshKeyOf(n);
        const { tag: upload = "" } = await lane.send({ type: "createUpload", key });
        const etags: string[] = [];
        for (let part = 1; part <= parts; part++) {
          const body = part === parts ? last : whole;
          const { tag = "" } = await lane.send({ type: "uploadPart", key, upload, part, body });
          etags.push(tag);
        }
        await lane.send({ type: "completeUpload", key, upload, etags });
        return { bytes, keys: 0 };
      },
      operations: writable(bytes),
    };
  },
};
