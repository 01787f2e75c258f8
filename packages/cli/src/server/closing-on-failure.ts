/** What can be closed, as a connection to Redis. */
export interface Closable {
  close(): Promise<void>
}

/** Notes what a server opens before it listens, and returns it. */
export type Opened = <T extends Closable>(one: T) => T

/**
 * Starts a server, and closes what it had opened if the start fails: a connection would keep the process alive, which then neither
 * serves nor ends.
 * @throws what `start` throws
 */
export async function closingOnFailure(start: (opened: Opened) => Promise<void>): Promise<void> {
  // bound: what one command opens; grown by the program
  const all: Closable[] = []
  try {
    await start(one => {
      all.push(one)
      return one
    })
  } catch (error) {
    // The reason why the server does not start is told, whatever closing says.
    await Promise.allSettled(all.map(async one => one.close()))
    throw error
  }
}
