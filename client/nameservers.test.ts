import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { type Address, formatAddress } from "../rpc/address.ts";
import { InterruptedCall } from "../rpc/call.ts";
import { Nameservers } from "./nameservers.ts";

const place = (port: number): Address => ({ host: "10.0.0.1", port });

/** A client that was given one address; the group is elsewhere, too, and changes. */
function client(given: number, group: { ports: number[] }) {
  const clock = new SimulatedClock();
  const closed: string[] = [];
  const nameservers = new Nameservers([place(given)], clock, (address) => ({
    methods: {},
    members: async () => group.ports.map(place),
    close: () => closed.push(formatAddress(address)),
  }));
  const fail = async () => {
    const { current } = nameservers;
    const gone = new InterruptedCall("Unavailable", "gone", false);
    const moving = nameservers.moveOn({}, current, current.line, gone);
    clock.advance(1_000);
    await moving;
    return nameservers.current.address;
  };
  const answered = async () => {
    nameservers.found();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { clock, closed, nameservers, fail, answered };
}

test("members that nobody named are asked when those that were named are gone", async () => {
  const { fail, answered } = client(1, { ports: [1, 2, 3] });
  expect(await fail()).toEqual(place(1));
  await answered();
  expect(await fail()).toEqual(place(2));
  expect(await fail()).toEqual(place(3));
});

test("who left the group is not asked any more; who was named at the start stays", async () => {
  const group = { ports: [1, 2, 3] };
  const { clock, closed, fail, answered } = client(1, group);
  await answered();
  group.ports = [3, 4];
  clock.advance(60_000);
  await answered();
  expect(closed).toEqual(["10.0.0.1:2"]);
  expect(await fail()).toEqual(place(3));
  expect(await fail()).toEqual(place(4));
  expect(await fail()).toEqual(place(1));
});
