/** Runs the tasks of one name one after the other, in this process only */
export type Queues = <T>(name: string, task: () => Promise<T>) => Promise<T>

export function queues(): Queues {
  // bound: tasks under way; grown by the program
  const last = new Map<string, Promise<unknown>>()
  return <T>(name: string, task: () => Promise<T>): Promise<T> => {
    const before = last.get(name) ?? Promise.resolve()
    const result = before.then(task)
    // The next task runs even if this one fails.
    const ended = result.then(ignore, ignore).then(() => {
      if (last.get(name) === ended) last.delete(name)
    })
    last.set(name, ended)
    return result
  }
}

function ignore(): void {}
