/**
 * POST /?quarry-admin: one command of the root user's, as JSON. The same shapes describe users in the
 * file of `quarry serve --users`.
 */
import { z } from "zod";
import { limits } from "../../base/limits.ts";
import type { Command } from "../../rpc/commands.ts";
import type { UserInfo } from "../../rpc/objects.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { ANONYMOUS_USER, ROOT_USER } from "../identity.ts";
import { readSmallBody } from "../payload.ts";
import { S3Error } from "../s3/errors.ts";

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const quotaSchema = z.strictObject({
  bytes: count.optional(),
  objects: count.optional(),
});

export const userSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(128)
    .refine((id) => id !== ANONYMOUS_USER, "this id stands for nobody in particular"),
  displayName: z.string().max(256),
  email: z.string().min(3).max(256).optional(),
  tenant: z.string().min(1).max(128).optional(),
  quota: quotaSchema.extend({ buckets: count.optional() }).optional(),
});

const commandSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("putUser"), user: userSchema }),
  z.strictObject({
    type: z.literal("removeUser"),
    user: z.string().refine((id) => id !== ROOT_USER, "nobody could make users without this one"),
  }),
  z.strictObject({
    type: z.literal("putAccessKey"),
    user: z.string(),
    accessKey: z.string(),
    secretKey: z.string(),
  }),
  z.strictObject({ type: z.literal("removeAccessKey"), accessKey: z.string() }),
  z.strictObject({
    type: z.literal("configureBucket"),
    bucket: z.string(),
    change: z.strictObject({ quota: quotaSchema.nullable() }),
  }),
]);

export async function adminCommand(call: Call): Promise<Answer> {
  const body = await readSmallBody(call.payload({ etag: false, maxBytes: limits.adminBodyBytes }));
  await call.store.names.execute(parseCommand(body.toString()));
  return emptyAnswer(204);
}

function parseCommand(text: string): Command {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new S3Error("InvalidArgument", "The body is no JSON.");
  }
  const parsed = commandSchema.safeParse(value);
  if (!parsed.success) throw new S3Error("InvalidArgument", wrongShape(parsed.error));
  return withoutUndefined(parsed.data) as Command;
}

/** On one line: `users.0.id: expected string; …`. */
export function wrongShape(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => [path.join("."), message].filter((part) => part !== "").join(": "))
    .join("; ");
}

/** Zod's optional fields may be undefined; rows know only present and absent. */
export function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Describes a user, checked. */
export function parseUser(value: z.infer<typeof userSchema>): UserInfo {
  return withoutUndefined(value) as UserInfo;
}
