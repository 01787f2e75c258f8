import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createAgent, pseudonym } from '@countersign/agent'
import { verifies } from '@countersign/requirements'
import { freeBase, freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { end, root, stand } from './processes.fixture.js'
import { isLong, longOnly } from './tier.fixture.js'

// What a server says when it is ready holds: the next request passes.

const place = stand()
afterAll(() => place.stop())

test(
  verifies(
    'sig.replay.restart',
    'a POST signed when the ready line is out is not refused for having been signed before the start',
  ),
  async () => {
    const upstream = createServer((_, response) => response.end('done'))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const port = await freePort()
    const id = `http://localhost:${port}`
    for (let start = 0; start < 3; start++) {
      const gateway = await place.start('gateway', [
        'gateway',
        '--development',
        '--id',
        id,
        '--port',
        String(port),
        '--level',
        'pseudonymous',
        '--upstream',
        `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        '--data',
        join(place.folder, 'gateway'),
      ])
      const statuses: number[] = []
      const agent = createAgent({
        identity: pseudonym(),
        development: true,
        fetch: async (input, init) => {
          const response = await fetch(input, init)
          statuses.push(response.status)
          return response
        },
      })
      const answer = await agent.fetch(`${id}/orders`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      })
      expect([answer.status, statuses.includes(503)]).toEqual([200, false])
      expect((await fetch(`${id}/readyz`)).status).toBe(200)
      await end(gateway, 'SIGTERM')
    }
    upstream.close()
  },
)

test('a gateway whose API does not answer names its address within seconds, and is not ready', async () => {
  const port = await freePort()
  const gateway = await place.start('gateway', [
    'gateway',
    '--development',
    '--id',
    `http://localhost:${port}`,
    '--port',
    String(port),
    '--level',
    'anonymous',
    '--upstream',
    `http://127.0.0.1:${await freePort()}`,
    '--data',
    join(place.folder, 'away'),
  ])
  expect((await fetch(`http://localhost:${port}/readyz`)).status).toBe(503)
  await end(gateway, 'SIGTERM')
})

test.runIf(isLong)(
  `the playground ends its start with one block: who is where, and the page to open${longOnly}`,
  async () => {
    const base = await freeBase()
    const playground = await place.start('playground', ['playground', '--port', String(base)], {
      ready: 'in a browser',
    })
    expect((await fetch(`http://localhost:${base}/`)).status).toBe(200)
    for (const offset of [10, 20, 21, 30, 31, 40, 60])
      expect([offset, (await fetch(`http://localhost:${base + offset}/readyz`)).status]).toEqual([offset, 200])
    await end(playground, 'SIGTERM')
  },
)

test('a step of npm start says what it does and how long it took, and shows its output only where it failed', async () => {
  const script = (code: string): string =>
    `import { step } from './scripts/install.mjs'; await step('counting', process.execPath, ['-e', ${JSON.stringify(code)}]); console.log('next')`
  const runs = (code: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(code)], { cwd: root })
  const { stdout, stderr } = await runs("console.log('noise')")
  expect(stdout).toMatch(/^counting …\ncounting … \d+ s\nnext\n$/)
  expect(stderr).toBe('')
  await expect(runs("console.log('the fault'); process.exit(3)")).rejects.toMatchObject({
    code: 3,
    stdout: 'counting …\ncounting … failed\n',
    stderr: 'the fault\n',
  })
})
