/** Per key: any number of shared runs, or one exclusive run, in the order of their coming. */
interface Queue {
  /** Ends when every exclusive run so far has ended. */
  last: Promise<unknown>;
  /** Shared runs since that have not ended. */
  readonly shared: Set<Promise<unknown>>;
  waiting: number;
}

const settled = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    () => undefined, // its caller is told; the gate only waits
  );

export class Gate<Key> {
  readonly #queues = new Map<Key, Queue>();

  shared<T>(key: Key, run: () => Promise<T>): Promise<T> {
    const queue = this.#enter(key);
    const done = queue.last.then(run);
    const end: Promise<unknown> = settled(done).then(() => queue.shared.delete(end));
    queue.shared.add(end);
    return this.#leaveAfter(key, queue, done);
  }

  exclusive<T>(key: Key, run: () => Promise<T>): Promise<T> {
    const queue = this.#enter(key);
    const before = Promise.all([queue.last, ...queue.shared]);
    const done = before.then(run);
    queue.last = settled(done);
    return this.#leaveAfter(key, queue, done);
  }

  /** Resolves when everything that came before has ended. */
  async idle(): Promise<void> {
    const queues = [...this.#queues.values()];
    await Promise.all(queues.flatMap((queue) => [queue.last, ...queue.shared]));
  }

  #enter(key: Key): Queue {
    const queue = this.#queues.get(key) ?? {
      last: Promise.resolve(),
      shared: new Set(),
      waiting: 0,
    };
    this.#queues.set(key, queue);
    queue.waiting++;
    return queue;
  }

  #leaveAfter<T>(key: Key, queue: Queue, done: Promise<T>): Promise<T> {
    return done.finally(() => {
      if (--queue.waiting === 0) this.#queues.delete(key);
    });
  }
}
