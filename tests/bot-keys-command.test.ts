import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { keysFile } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test, vi } from 'vitest'
import { stand } from './processes.fixture.js'

const place = stand()
afterAll(() => place.stop())

test(
  verifies('bot.published', 'the agent server publishes the keys of a file, and reads it again on SIGHUP'),
  async () => {
    const port = await freePort()
    const id = `http://localhost:${port}`
    const botKeys = join(place.folder, 'bots.json')
    const server = await place.start('agent-server', place.config('agent-server', { id, port, botKeys }))
    const published = async (): Promise<string[]> => {
      const response = await fetch(`${id}/.well-known/http-message-signatures-directory`)
      expect(response.headers.get('content-type')).toBe('application/http-message-signatures-directory+json')
      expect(response.headers.get('signature-input')).toContain('tag="http-message-signatures-directory"')
      const { keys } = (await response.json()) as { keys: Array<{ kid: string }> }
      return keys.map(({ kid }) => kid)
    }
    const first = await published()
    expect(first).toHaveLength(1)
    // Agents read the same file; the answer shows nothing of its private part.
    expect(JSON.parse(readFileSync(botKeys, 'utf8')).keys).toHaveLength(1)
    renameSync(botKeys, `${botKeys}.old`)
    await keysFile(botKeys, { onMade: () => undefined })
    server.kill('SIGHUP')
    await vi.waitFor(async () => expect(await published()).not.toEqual(first), 10_000)
    expect(existsSync(join(place.folder, 'agent-server'))).toBe(true)
  },
)
