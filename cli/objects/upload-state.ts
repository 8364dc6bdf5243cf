/**
 * The multipart upload that an earlier run began for the same file and the same key, and did not
 * end. This machine's memory says which upload it is (another's upload to the same key is none of
 * our business); the store says which parts it has.
 */
import { resolve } from "node:path";
import { ListPartsCommand, type Part } from "@aws-sdk/client-s3";
import { z } from "zod";
import { errorName } from "../exit-code.ts";
import { giveUpUpload } from "./listing-uploads.ts";
import type { Location } from "./location.ts";
import type { Session } from "./session.ts";
import { forgetState, keepState, readState, transferName } from "./state-folder.ts";

const stateSchema = z.object({
  uploadId: z.string().min(1),
  bytes: z.number(),
  modifiedMs: z.number(),
  partBytes: z.number().int().positive(),
  checksums: z.boolean(),
});

export type UploadState = z.infer<typeof stateSchema>;

export interface UnfinishedUpload {
  readonly state: UploadState;
  readonly parts: ReadonlyMap<number, Part>;
}

export interface UploadSource {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export function uploadName(session: Session, source: UploadSource, to: Location): string {
  return transferName("upload", session.endpoint, to.bucket, to.key, resolve(source.path));
}

export async function findUnfinished(
  session: Session,
  name: string,
  source: UploadSource,
  to: Location,
): Promise<UnfinishedUpload | undefined> {
  const { success, data: state } = stateSchema.safeParse(await readState(name));
  if (!success) return undefined;
  try {
    if (state.bytes === source.bytes && state.modifiedMs === source.modifiedMs)
      return { state, parts: await listParts(session, to, state.uploadId) };
    // The file is another now: what was sent of the old one is of no use.
    await giveUpUpload(session.client, to, state.uploadId);
  } catch (error) {
    if (errorName(error) !== "NoSuchUpload") throw error;
  }
  await forgetState(name);
  return undefined;
}

export async function remember(session: Session, name: string, state: UploadState): Promise<void> {
  const why = await keepState(name, state);
  if (why !== undefined) session.report.warn(`this upload could not be resumed: ${why}`);
}

async function listParts(
  session: Session,
  to: Location,
  uploadId: string,
): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>();
  let after: string | undefined;
  do {
    const page = await session.client.send(
      new ListPartsCommand({
        Bucket: to.bucket,
        Key: to.key,
        UploadId: uploadId,
        ...(after !== undefined && { PartNumberMarker: after }),
      }),
    );
    for (const part of page.Parts ?? []) parts.set(part.PartNumber ?? 0, part);
    after = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (after !== undefined);
  return parts;
}
