import { afterAll } from 'vitest'

/** What is called one after the other when the tests of the file have ended: servers to close, folders to remove. */
export function stopsAfterTests(): Array<() => unknown> {
  const stops: Array<() => unknown> = []
  afterAll(async () => {
    for (const stop of stops) await stop()
  })
  return stops
}
