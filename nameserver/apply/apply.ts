/**
 * Applies one command: the only place where metadata changes. Deterministic: it knows the rows, the
 * entry and nothing else, so every replica comes to the same state (INV-6). A refusal is a
 * {@link QuarryError} and leaves no writes.
 */
import { QuarryError, unreachable } from "../../base/errors.ts";
import type { AnyCommand, AnyResult, MemberCommand, SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import * as blobs from "./blobs.ts";
import { moveMember, setScheme } from "./block-members.ts";
import * as blocks from "./blocks.ts";
import * as buckets from "./buckets.ts";
import { changeDevice, registerDataserver } from "./cluster-map.ts";
import type { ApplyContext } from "./context.ts";
import { convertBlock, convertedBlock } from "./convert-block.ts";
import * as copies from "./copies.ts";
import { deleteObject } from "./delete-object.ts";
import * as describe from "./describe.ts";
import { setHealing } from "./healing.ts";
import { raiseLevel } from "./level.ts";
import * as members from "./members.ts";
import * as metadataCopies from "./metadata-copies.ts";
import * as objects from "./objects.ts";
import * as pools from "./pools.ts";
import * as recovered from "./recovered.ts";
import { removeDataserver, removeDevice } from "./removals.ts";
import * as sessions from "./sessions.ts";
import { spliceObject } from "./splice.ts";
import * as staging from "./staging.ts";
import * as storageClasses from "./storage-classes.ts";
import * as trash from "./trash.ts";
import * as uploads from "./uploads.ts";
import * as users from "./users.ts";

export function apply(context: ApplyContext, command: AnyCommand): AnyResult | Promise<AnyResult> {
  switch (command.type) {
    case "createBucket":
      return buckets.createBucket(context, command);
    case "deleteBucket":
      return buckets.deleteBucket(context, command);
    case "configureBucket":
      return buckets.configureBucket(context, command);
    case "putUser":
      return users.putUser(context, command);
    case "removeUser":
      return users.removeUser(context, command);
    case "putAccessKey":
      return users.putAccessKey(context, command);
    case "removeAccessKey":
      return users.removeAccessKey(context, command);
    case "putObject":
      return objects.putObject(context, command);
    case "deleteObject":
      return deleteObject(context, command);
    case "copyObject":
      return copies.copyObject(context, command);
    case "putPartCopy":
      return copies.putPartCopy(context, command);
    case "spliceObject":
      return spliceObject(context, command);
    case "describeObject":
      return describe.describeObject(context, command);
    case "undelete":
      return trash.undelete(context, command);
    case "addChunks":
      return blobs.addChunks(context, command);
    case "dropBlob":
      return blobs.dropBlob(context, command);
    case "createUpload":
      return uploads.createUpload(context, command);
    case "putPart":
      return uploads.putPart(context, command);
    case "stageParts":
      return staging.stageParts(context, command);
    case "completeUpload":
      return uploads.completeUpload(context, command);
    case "abortUpload":
      return uploads.abortUpload(context, command);
    case "registerDataserver":
      return registerDataserver(context, command);
    case "changeDevice":
      return changeDevice(context, command);
    case "removeDevice":
      return removeDevice(context, command);
    case "removeDataserver":
      return removeDataserver(context, command);
    case "createPool":
      return pools.createPool(context, command);
    case "changePool":
      return pools.changePool(context, command);
    case "removePool":
      return pools.removePool(context, command);
    case "setStorageClass":
      return storageClasses.setStorageClass(context, command);
    case "removeStorageClass":
      return storageClasses.removeStorageClass(context, command);
    case "setHealing":
      return setHealing(context, command);
    default:
      return applySystem(context, command);
  }
}

function applySystem(context: ApplyContext, command: SystemCommand | MemberCommand): AnyResult {
  switch (command.type) {
    case "configure":
      context.rows.put(keys.settings(), {
        holdMs: command.holdMs,
        pendingMs: command.pendingMs,
      });
      return { type: "done" };
    case "leaseBlobs":
      return blobs.leaseBlobs(context, command);
    case "addBlock":
      return blocks.addBlock(context, command);
    case "abandonBlock":
      return blocks.abandonBlock(context, command);
    case "sealBlock":
      return blocks.sealBlock(context, command);
    case "settleBlock":
      return blocks.settleBlock(context, command);
    case "sweptBlock":
      return blocks.sweptBlock(context, command);
    case "setGeneration":
      return blocks.setGeneration(context, command);
    case "removeBlock":
      return blocks.removeBlock(context, command);
    case "moveMember":
      return moveMember(context, command);
    case "setScheme":
      return setScheme(context, command);
    case "convertBlock":
      return convertBlock(context, command);
    case "convertedBlock":
      return convertedBlock(context, command);
    case "expirePending":
      return blobs.expirePending(context, command);
    case "expireTrash":
      return trash.expireTrash(context, command);
    case "collected":
      return blobs.collected(context, command);
    case "dropParts":
      return staging.dropParts(context, command);
    case "dropContentPage":
      return staging.dropContentPage(context, command);
    case "raiseLevel":
      return raiseLevel(context, command);
    case "openSession":
      return sessions.open(context);
    case "closeSession":
      return sessions.close(context, command);
    case "clearSessions":
      return sessions.clear(context, command);
    case "addCopyChunks":
      return metadataCopies.addCopyChunks(context, command);
    case "keepCopy":
      return metadataCopies.keepCopy(context, command);
    case "dropCopies":
      return metadataCopies.dropCopies(context, command);
    case "recovered":
      return recovered.recovered(context, command);
    case "foundBlock":
      return recovered.foundBlock(context, command);
    case "foundMembers":
    case "admitMember":
    case "setMember":
    case "forgetMember":
      return members.applyMembers(context, command);
    default:
      return unknown(command);
  }
}

/** A command of a newer version, or of a client that made it up. */
function unknown(command: never): never {
  const { type } = command as { type: unknown };
  if (typeof type === "string")
    throw new QuarryError("NotImplemented", `this version knows no command ${type}`);
  return unreachable(command);
}
