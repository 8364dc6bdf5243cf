/** The remote implementation of a service: the same interface, over a client. */
import type { CallOptions } from "./call.ts";
import type { RpcClient } from "./client.ts";
import { methodsOf, type ServiceTable } from "./service-table.ts";

/**
 * Raw bytes of an answer come from `payloadPool`: who is done with them may give them back there.
 * `options` hold for every call made through this binding; bindings cost little.
 */
export function connect<Service extends object>(
  table: ServiceTable<Service>,
  client: RpcClient,
  options?: CallOptions,
): Service {
  const remote: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
  for (const method of methodsOf(table))
    remote[method.name] = method.rawArgument
      ? (...args) => {
          const payload = args.pop();
          return client.call(method, args, payload as Uint8Array, options);
        }
      : (...args) => client.call(method, args, undefined, options);
  return remote as Service;
}
