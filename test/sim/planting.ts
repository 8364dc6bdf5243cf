/** Puts another method in the place of one, until it is taken out again. */
export function inPlaceOf<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  make: (right: Owner[Name]) => Owner[Name],
): () => () => void {
  return () => {
    const right = owner[name];
    owner[name] = make(right);
    return () => {
      owner[name] = right;
    };
  };
}

/** The same service with some methods in the place of others. */
export function withMethods<Service extends object>(
  service: Service,
  wrong: Partial<Service>,
): Service {
  return new Proxy(service, {
    get(right, name) {
      const method: unknown = Reflect.get(wrong, name) ?? Reflect.get(right, name);
      return typeof method === "function" ? method.bind(right) : method;
    },
  });
}
