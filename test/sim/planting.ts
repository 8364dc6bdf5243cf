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
