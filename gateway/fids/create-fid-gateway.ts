/** Opens the native fid face: an HTTP API in the manner of nginx-tfs (docs/faces.md). */
import { type OpenedJsonFace, openJsonFace } from "../json-face.ts";
import { FidPipeline, type FidPipelineOptions } from "./pipeline.ts";

export type FidGateway = OpenedJsonFace;

export function createFidGateway(options: FidPipelineOptions): FidGateway {
  const pipeline = new FidPipeline(options);
  const { clock, random, logger } = options;
  const run = pipeline.run.bind(pipeline);
  const face = openJsonFace({ clock, random, logger, name: "Fid", run });
  return {
    ...face,
    async listen(where) {
      await options.store.fids.prepare();
      return await face.listen(where);
    },
  };
}
