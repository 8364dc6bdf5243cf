/** What a server offers: a service's methods by their numbers on the wire. */
import { QuarryError } from "../base/errors.ts";
import { type Method, methodsOf, type ServiceTable } from "./service-table.ts";

export interface ServedMethod {
  readonly method: Method;
  /** Named as in `service.method`, for messages. */
  readonly name: string;
  /** May throw as well as reject. */
  readonly invoke: (args: readonly unknown[]) => Promise<unknown>;
}

export type ServedService = readonly ServedMethod[];

type AnyService = Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>;

/**
 * Offers `service` to remote peers. An argument's raw bytes belong to the transport again once the
 * answer is there. An answer's raw bytes must not change until it is sent; if they come from
 * `payloadPool`, they go back there then.
 */
export function serve<Service extends object>(
  service: Service,
  table: ServiceTable<Service>,
): ServedService {
  const target = service as AnyService;
  return methodsOf(table).map((method) => ({
    method,
    name: `${table.name}.${method.name}`,
    invoke: (args) => {
      const run = target[method.name];
      if (run === undefined) throw new QuarryError("NotImplemented", `${method.name} is not there`);
      return run.apply(service, args as unknown[]);
    },
  }));
}
