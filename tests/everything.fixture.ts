import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { expect } from 'vitest'
import { root, run, type Stand } from './processes.fixture.js'

/** An MCP server behind a gateway that demands an identity, and a delegate that is let in. */
export interface Guarded {
  readonly url: string
  /** Of the command, to act as the delegate. */
  readonly flags: readonly string[]
}

/** The server of the protocol's authors that has everything; where it is. */
export async function startEverything(place: Stand): Promise<string> {
  const port = await freePort()
  await place.start('server-everything', ['streamableHttp'], {
    program: [process.execPath, join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')],
    env: { PORT: String(port) },
    ready: 'listening on port',
  })
  return `http://127.0.0.1:${port}`
}

/** It, for the identified delegates of one agent. */
export async function guardedEverything(place: Stand): Promise<Guarded> {
  const upstream = await startEverything(place)
  const [homePort, apiPort] = await Promise.all([1, 2].map(() => freePort()))
  const [home, api] = [homePort, apiPort].map(port => `http://localhost:${port}`) as [string, string]
  const data = (name: string): string => join(place.folder, name)
  const agentServer = ['agent-server', '--id', home, '--data', data('agent-server'), '--development']
  const settings = data('gateway.json')
  writeFileSync(settings, JSON.stringify({ upstream, level: 'identified', agents: [home] }))
  const gateway = ['gateway', '--id', api, '--data', data('gateway'), '--development', '--config', settings]
  await Promise.all([
    place.start('agent-server', [...agentServer, '--port', String(homePort)]),
    place.start('gateway', [...gateway, '--port', String(apiPort)]),
  ])
  const { code } = JSON.parse((await run([...agentServer.slice(0, 1), 'invite', ...agentServer.slice(1)])).stdout)
  const state = ['--state', mkdtempSync(data('state-')), '--development']
  expect(await run(['enroll', home, '--code', code, ...state])).toMatchObject({ code: 0, stderr: '' })
  return { url: `${api}/mcp`, flags: ['--as', 'delegate', '--id', home, ...state] }
}
