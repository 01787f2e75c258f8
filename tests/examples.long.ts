import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { agentServer, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { serve } from '@countersign/server'
import { temporaryFolder } from '@countersign/testing/folders'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect } from 'vitest'
import { checkNginx, requireNginx, startNginxWith, when, why } from './nginx.fixture.js'
import { root } from './processes.fixture.js'

const folder = temporaryFolder()
const ends: Array<() => unknown> = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})
requireNginx()

when(`the Express API lets an agent in through nginx, and nobody who only says so${why}`, async () => {
  const { start, nginxConfiguration } = (await import(
    pathToFileURL(join(root, 'examples/express-behind-nginx/app.mjs')).href
  )) as {
    start(o: object): Promise<{ end(): Promise<void> }>
    nginxConfiguration(o: object): string
  }
  const [listen, port, home] = [await freePort(), await freePort(), await freePort()]
  const [id, agent] = [`http://localhost:${listen}`, `http://localhost:${home}`]
  ends.push((await start({ id, port, folder })).end)
  const own = join(folder, 'nginx')
  mkdirSync(own, { recursive: true })
  const file = join(own, 'nginx.conf')
  writeFileSync(file, nginxConfiguration({ folder: own, listen, port }))
  expect(checkNginx(file)).toMatchObject({ ok: true })
  const nginx = await startNginxWith(file, listen)
  ends.push(() => nginx.kill())
  const server = await createAgentServer({ id: agent, development: true })
  const place = {
    name: 'agent',
    id: agent,
    port: home,
    participant: server,
    development: true,
    signals: false,
  } as const
  const running = await serve({ ...place, level: 'error', announce: () => undefined })
  ends.push(() => running.close())

  const named = createAgent({
    identity: agentServer({ id: agent, key: server.signingKey }),
    identifyTo: [id],
    development: true,
  })
  const note = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"milk"}' }
  const added = await named.fetch(`${id}/notes`, note)
  expect([added.status, await added.json()]).toEqual([201, { text: 'milk', by: agent }])
  // A caller cannot choose its address: the eleventh request without a signature is one too many, whatever it claims.
  const statuses: number[] = []
  for (let n = 0; n < 11; n++)
    statuses.push((await fetch(`${id}/notes`, { headers: { 'x-forwarded-for': `198.51.100.${n}` } })).status)
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429])
  expect((await fetch(`${id}/notes`, note)).status).toBe(401)
})
