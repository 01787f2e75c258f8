import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'

/** What a server is opened with here. */
export interface KeysAndDatabase<K> {
  readonly keys: readonly K[]
  readonly database: string
  readonly knownKeys?: 'replace'
}

/** Expects of a server that its database opens with the keys it was used with, and with no others unless told so. */
export async function expectKnownKeys<K>(
  newKey: (kid: string) => Promise<K>,
  open: (o: KeysAndDatabase<K>) => Promise<{ ready(): Promise<void>; close(): Promise<void> }>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-known-keys-'))
  const database = `sqlite:${join(folder, 'one.db')}`
  const [first, second, stray] = [await newKey('k1'), await newKey('k2'), await newKey('k3')]
  const start = async (keys: readonly K[], more: { readonly knownKeys?: 'replace' } = {}): Promise<string> => {
    const server = await open({ keys, database, ...more })
    await server.ready()
    await server.close()
    return 'ready'
  }
  try {
    expect(await start([first])).toBe('ready')
    await expect(start([stray])).rejects.toThrow(/used with other keys/)
    expect(await start([second, first])).toBe('ready')
    expect(await start([second])).toBe('ready')
    await expect(start([first])).rejects.toThrow(/used with other keys/)
    expect(await start([stray], { knownKeys: 'replace' })).toBe('ready')
    expect(await start([stray])).toBe('ready')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
