/** The faces beside S3 that a process opens when it is asked to: their flags, and how each is opened. */
import type { Command } from "commander";
import type { Logger } from "pino";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import { createFidGateway } from "../../gateway/fids/create-fid-gateway.ts";
import { parseDuration } from "../objects/printable.ts";
import { facePort, onPort, tokenRule } from "./face-flags.ts";
import {
  type FastdfsFace,
  type FastdfsFlags,
  fastdfsFrom,
  openFastdfs,
  withFastdfsOptions,
  withFastdfsPorts,
} from "./fastdfs-face.ts";

const TOKENS_KEPT_S = 3600;

export interface MoreFaces {
  readonly fids?: FidFace;
  readonly fastdfs?: FastdfsFace;
}

interface FidFace {
  readonly port: number;
  /** A file with the secret of tokens. */
  readonly tokens?: string;
  readonly tokensKeptMs: number;
}

export interface FaceFlags extends FastdfsFlags {
  readonly fids?: number;
  readonly fidTokens?: string;
  /** Seconds. */
  readonly fidTokensFor?: number;
}

export interface OpenedFace {
  /** For people. */
  readonly name: string;
  readonly url: string;
  close(): Promise<void>;
}

/** Opens one face at an address, and tells the port that it has. */
type Opener<Settings> = (
  store: Store,
  settings: Settings,
  where: { readonly host: string; readonly logger: Logger },
) => Promise<{ readonly port: number; close(): Promise<void> }>;

/** A line for each, in what a start prints. */
export const moreLines = (faces: readonly Pick<OpenedFace, "name" | "url">[]): string =>
  faces.map(({ name, url }) => `\n  ${name.padEnd(11)}  ${url}`).join("");

export function withFaceOptions(command: Command): Command {
  const withFids = command
    .option("--fids <port>", "also serve files by fid (docs/faces.md)", facePort)
    .option("--fid-tokens <file>", "… only with tokens made with the secret in this file")
    .option("--fid-tokens-for <time>", "… that count for so long (1h)", parseDuration);
  return withFastdfsOptions(withFids);
}

export function facesFrom(flags: FaceFlags): MoreFaces {
  const fids = fidsFrom(flags);
  const fastdfs = fastdfsFrom(flags);
  return { ...(fids !== undefined && { fids }), ...(fastdfs !== undefined && { fastdfs }) };
}

function fidsFrom({ fids, fidTokens, fidTokensFor }: FaceFlags): FidFace | undefined {
  if (fids === undefined && fidTokens !== undefined)
    throw new QuarryError("InvalidArgument", "--fid-tokens goes with --fids");
  if (fidTokens === undefined && fidTokensFor !== undefined)
    throw new QuarryError("InvalidArgument", "--fid-tokens-for goes with --fid-tokens");
  if (fids === undefined) return undefined;
  const tokens = fidTokens !== undefined && { tokens: fidTokens };
  return { port: fids, ...tokens, tokensKeptMs: (fidTokensFor ?? TOKENS_KEPT_S) * 1000 };
}

/** Port 0 is a free one; several processes are told the same. */
export async function withPorts(faces: MoreFaces, free: () => Promise<number>): Promise<MoreFaces> {
  const { fids, fastdfs } = faces;
  return {
    ...(fids !== undefined && { fids: { ...fids, port: fids.port || (await free()) } }),
    ...(fastdfs !== undefined && { fastdfs: await withFastdfsPorts(fastdfs, free) }),
  };
}

export async function openMoreFaces(
  store: Store,
  { host, faces = {} }: { readonly host: string; readonly faces?: MoreFaces },
  logger: Logger,
  urlOf: (host: string, port: number) => string,
): Promise<OpenedFace[]> {
  const opened: OpenedFace[] = [];
  const where = { host, logger };
  const open = async <Settings>(
    name: string,
    settings: Settings | undefined,
    opener: Opener<Settings>,
  ) => {
    if (settings === undefined) return;
    const { port, close } = await opener(store, settings, where);
    opened.push({ name, url: urlOf(host, port), close });
  };
  try {
    await open("fids", faces.fids, openFids);
    if (faces.fastdfs !== undefined) await openFastdfs(store, faces.fastdfs, where, urlOf, opened);
    return opened;
  } catch (error) {
    for (const face of opened) await face.close();
    throw error;
  }
}

const openFids: Opener<FidFace> = async (store, { port, tokens, tokensKeptMs }, where) => {
  const rule = tokens === undefined ? undefined : await tokenRule(tokens, tokensKeptMs);
  const gateway = createFidGateway({
    ...{ store, clock: systemClock, random: systemRandom, logger: where.logger },
    ...(rule !== undefined && { tokens: rule }),
  });
  const listening = await onPort(() => "--fids", gateway.listen({ host: where.host, port }));
  return { port: listening.port, close: () => gateway.close() };
};
