import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freeBase, run } from './processes.fixture.js'

interface Played {
  readonly ok: boolean
  readonly scenarios: ReadonlyArray<{
    readonly scenario: string
    readonly ok: boolean
    readonly checks: ReadonlyArray<{ readonly title: string; readonly ok: boolean; readonly seen?: string }>
    readonly messages: ReadonlyArray<{ readonly at: number; readonly request: { readonly target: string } }>
  }>
}

test('countersign playground --scenario all --json plays every story and says so by its exit code', async () => {
  const { code, stdout, stderr } = await run([
    'playground',
    '--port',
    String(await freeBase()),
    '--scenario',
    'all',
    '--json',
  ])
  expect(stdout, stderr).not.toBe('')
  const played = JSON.parse(stdout) as Played
  const wrong = played.scenarios.flatMap(({ scenario, checks }) =>
    checks.filter(check => !check.ok).map(check => ({ scenario, ...check })),
  )
  expect(wrong, stderr).toEqual([])
  expect(played.scenarios.map(({ scenario }) => scenario)).toEqual([
    'rate-limit',
    'identity',
    'delegate',
    'autonomous',
    'user-consent',
    'device',
    'sso',
    'multi-hop',
    'oauth-downstream',
    'mcp',
    'refresh',
    'rotation',
  ])
  expect(code).toBe(0)
  // Where a story leaves a question out because it was played before, it was not.
  const titles = played.scenarios.flatMap(({ checks }) => checks.map(({ title }) => title))
  expect(titles).toContain('the auth server says who asks, and for what')
  for (const { messages } of played.scenarios) {
    expect(messages.length).toBeGreaterThan(3)
    expect(messages.map(message => message.at)).toEqual(messages.map(message => message.at).sort((a, b) => a - b))
  }
}, 120_000)

test('a scenario that does not exist is refused with the names of those that do', async () => {
  const { code, stderr } = await run(['playground', '--scenario', 'nothing'])
  expect(code).toBe(2)
  expect(stderr).toContain(
    'rate-limit, identity, delegate, autonomous, user-consent, device, sso, multi-hop, oauth-downstream, mcp, refresh, rotation',
  )
})

test('a participant that cannot start ends the story with a reason, and leaves nobody running', async () => {
  const base = await freeBase()
  const squatter = createServer().listen(base + 20, '127.0.0.1')
  const { code, stderr } = await run(['playground', '--port', String(base), '--scenario', 'identity'])
  squatter.close()
  expect(code).toBe(1)
  expect(stderr).toContain('auth-server')
  expect(stderr).toContain(String(base + 20))
  await expect(fetch(`http://localhost:${base + 30}/public`)).rejects.toThrow()
}, 30_000)
