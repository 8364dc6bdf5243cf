import { expect, test } from "vitest";
import type { Call } from "../call.ts";
import { listUsers } from "./list-users.ts";

test("a user who is removed while the list is made is not in it", async () => {
  const [stays, goes] = ["stays", "goes"].map((id) => ({ id, displayName: id }));
  const names = {
    users: () => Promise.resolve([stays, goes]),
    user: ({ id }: { id: string }) =>
      Promise.resolve(id === "goes" ? undefined : { ...stays, accessKeys: ["key"] }),
  };
  const call = { store: { names }, target: { query: new Map() } } as unknown as Call;
  const { body } = await listUsers(call);
  const text = JSON.stringify({ users: [{ ...stays, accessKeys: ["key"] }] });
  expect(body).toEqual({ kind: "json", text });
});
