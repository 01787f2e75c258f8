import { afterAll } from 'vitest'

const closing = new Set<() => Promise<unknown>>()

/**
 * Closes a server when the tests of the file have ended, wherever the file made it. One that stays open goes on looking into its
 * database while the other files run, and a driver that is called while its thread ends takes the whole process down.
 */
export function closeAfterFile(close: () => Promise<unknown>): void {
  closing.add(close)
}

/** Said once for every test file, by the setup file. */
export function closeAfterEachFile(): void {
  afterAll(async () => {
    const all = [...closing]
    closing.clear()
    await Promise.allSettled(all.map(close => close()))
  })
}
