/** Which commands clients may give: they change what clients see. All others are the nameserver's own. */
import type { Command } from "../rpc/commands.ts";

const clientCommands: { readonly [Type in Command["type"]]: true } = {
  createBucket: true,
  deleteBucket: true,
  configureBucket: true,
  putUser: true,
  removeUser: true,
  putAccessKey: true,
  removeAccessKey: true,
  addChunks: true,
  dropBlob: true,
  putObject: true,
  copyObject: true,
  spliceObject: true,
  describeObject: true,
  deleteObject: true,
  createUpload: true,
  putPart: true,
  putPartCopy: true,
  stageParts: true,
  completeUpload: true,
  abortUpload: true,
  undelete: true,
  registerDataserver: true,
  changeDevice: true,
  removeDevice: true,
  removeDataserver: true,
  createPool: true,
  changePool: true,
  removePool: true,
  setStorageClass: true,
  removeStorageClass: true,
  setHealing: true,
};

export function isClientCommand(type: string): boolean {
  return Object.hasOwn(clientCommands, type);
}
