import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { freePort } from '@countersign/testing/ports'
import type { GatewayOrder } from './gateway-process.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { publishedCommand } from './published-command.js'

/** A gateway to be measured. */
export interface GatewayKind {
  readonly accessLog: 'on' | 'off'
  /** The module of the command; default that of this repository, as it is published. */
  readonly cli?: string
}

/** Servers of the bench, each in a process of its own. */
export interface GatewayServers {
  /** The issuer of the tokens that the gateways accept, and its key. */
  readonly issuer: string
  readonly issuerKey: SigningKey
  readonly proxy: MeasuredProcess
  /** The proxy with a connection of its own for each request, as a gateway sends one with a body. */
  readonly closing: MeasuredProcess
  gateway(kind: GatewayKind): Promise<MeasuredProcess>
  stop(): Promise<void>
}

/** An auth server as far as resources need one: its metadata and its key. */
async function startIssuer(key: SigningKey): Promise<{ readonly issuer: string; stop(): void }> {
  const server = createServer((request, response) => {
    const found =
      request.url === '/jwks'
        ? { keys: [{ ...key.publicJwk, kid: 'k1', use: 'sig' }] }
        : { issuer, jwks_uri: `${issuer}/jwks`, agent_token_endpoint: `${issuer}/t` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(found))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  return { issuer, stop: () => void server.close().closeAllConnections() }
}

/** Starts the API, `http-proxy` in front of it, and what issues tokens; gateways are started as they are asked for. */
export async function startServers(): Promise<GatewayServers> {
  const command = publishedCommand()
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'))
  const started: MeasuredProcess[] = []
  const start = async (order: GatewayOrder): Promise<MeasuredProcess> => {
    const process = await measuredProcess<GatewayOrder>('./gateway-process.js', order, 'read')
    started.push(process)
    return process
  }
  const issuerKey = await generateSigningKey()
  const { issuer, stop } = await startIssuer(issuerKey)
  const upstream = `http://127.0.0.1:${(await start({ kind: 'upstream' })).port}`
  const config = join(folder, 'gateway.json')
  const routes = [
    { path: '/open/*', level: 'anonymous' },
    { path: '/events', scope: ['events.read'] },
  ]
  const scopes = { 'events.read': 'See your events' }
  await writeFile(config, JSON.stringify({ upstream, authServer: [issuer], scopes, routes }))
  return {
    issuer,
    issuerKey,
    proxy: await start({ kind: 'proxy', upstream, connections: 'kept' }),
    closing: await start({ kind: 'proxy', upstream, connections: 'closed' }),
    async gateway({ accessLog, cli = command.module }) {
      const port = await freePort()
      const flags = ['--development', '--id', `http://localhost:${port}`, '--port', String(port), '--config', config]
      // Only a gateway of this repository knows the flag.
      const quiet = accessLog === 'off' ? ['--access-log', 'off'] : []
      const data = ['--data', join(folder, String(port))]
      const process = await start({ kind: 'gateway', port, flags: [...flags, ...data, ...quiet], cli })
      await untilReady(port)
      return process
    },
    async stop() {
      for (const process of started) await process.stop()
      stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A gateway that has just started refuses tokens that were issued before. */
async function untilReady(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error('the gateway is not ready')
}
