import { createServer } from 'node:net'
import { freeBase } from '@countersign/testing/ports'
import { expect, test } from 'vitest'
import { play } from './played.fixture.js'
import { run } from './processes.fixture.js'

test('countersign playground --scenario delegate --json plays the story and says so by its exit code', async () => {
  const { code, played } = await play('delegate')
  expect(played.scenarios.map(({ scenario, ok }) => [scenario, ok])).toEqual([['delegate', true]])
  expect(code).toBe(0)
}, 60_000)

test('a scenario that does not exist is refused with the names of those that do', async () => {
  const { code, stderr } = await run(['playground', '--scenario', 'nothing'])
  expect(code).toBe(2)
  expect(stderr).toContain(
    'rate-limit, identity, delegate, autonomous, user-consent, device, sso, multi-hop, oauth-downstream, mcp, revocation, delegation, approval, refresh, rotation',
  )
})

test('a port in use ends the story with a reason, and leaves no server running', async () => {
  const base = await freeBase()
  const squatter = createServer().listen(base + 20, '127.0.0.1')
  const { code, stderr } = await run(['playground', '--port', String(base), '--scenario', 'identity'])
  squatter.close()
  expect(code).toBe(2)
  expect(stderr).toContain(String(base + 20))
  await expect(fetch(`http://localhost:${base + 30}/public`)).rejects.toThrow()
}, 30_000)
