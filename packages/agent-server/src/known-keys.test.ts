import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterAll, expect, test } from 'vitest'
import { type AgentServerOptions, createAgentServer } from './index.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-known-keys-agent-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  verifies('F-81', 'a database opens with the keys it was used with, and with no others unless told so'),
  async () => {
    const [first, second, stray] = await Promise.all(
      ['k1', 'k2', 'k3'].map(async (kid): Promise<PublishedKey> => ({ kid, key: await generateSigningKey() })),
    )
    if (first === undefined || second === undefined || stray === undefined) throw new Error('no keys')
    const database = `sqlite:${join(folder, 'agent.db')}`
    const start = async (keys: readonly PublishedKey[], more: Partial<AgentServerOptions> = {}): Promise<string> => {
      const server = await createAgentServer({ id: 'https://agent.example', keys, database, ...more })
      await server.ready()
      await server.close()
      return 'ready'
    }
    expect(await start([first])).toBe('ready')
    await expect(start([stray])).rejects.toThrow(/used with other keys/)
    expect(await start([second, first])).toBe('ready')
    expect(await start([second])).toBe('ready')
    await expect(start([first])).rejects.toThrow(/used with other keys/)
    expect(await start([stray], { knownKeys: 'replace' })).toBe('ready')
    expect(await start([stray])).toBe('ready')
  },
)
