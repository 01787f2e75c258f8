import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countersign, run, type Stand, stand } from './processes.fixture.js'

// The first week of a gateway, as docs/gateway.md says: a process that observes, its log, and the report on it.

let place: Stand
let upstream: Server
let api: string
let log: string
const seen: string[] = []

beforeAll(async () => {
  place = stand()
  api = `http://localhost:${await freePort()}`
  log = join(place.folder, 'gateway.log')
  upstream = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => response.end('from the API'))
  })
  const portOfUpstream = await listenOn(upstream)
  const behind = `http://127.0.0.1:${portOfUpstream}`
  const command = `exec '${process.execPath}' '${countersign}' gateway "$@" 2>> '${log}'`
  const options = ['--id', api, '--port', new URL(api).port, '--data', join(place.folder, 'data'), '--upstream', behind]
  const routes = JSON.stringify([
    { path: '/orders', level: 'identified' },
    { path: '/public', level: 'anonymous' },
    { path: '/files/*', level: 'anonymous' },
    { path: '/files/own/*', level: 'identified' },
  ])
  await place.start('gateway', ['sh', ...options, '--development', '--observe', '--body-limit', '100'], {
    program: ['/bin/sh', '-c', command],
    env: { COUNTERSIGN_ROUTES: routes },
  })
}, 60_000)
afterAll(async () => {
  await place.stop()
  upstream.close()
})

/** Sends a head, and says with which status it was answered. */
function statusOf(...lines: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(api).port), 'localhost', () =>
      socket.write([...lines, `host: ${new URL(api).host}`, '', ''].join('\r\n')),
    )
    socket.on('error', reject).once('data', chunk => {
      resolve(Number(String(chunk).slice(9, 12)))
      socket.destroy()
    })
  })
}

test('what it lets through and what it refuses even so is all in the report', async () => {
  expect((await fetch(`${api}/orders`)).status).toBe(200)
  expect((await fetch(`${api}/public`)).status).toBe(200)
  expect((await fetch(`${api}/nowhere`)).status).toBe(200)
  expect((await fetch(`${api}/orders`, { method: 'POST', body: 'x'.repeat(101) })).status).toBe(413)
  expect(await statusOf('GET /a/../orders HTTP/1.1')).toBe(400)
  const named = ['signature: x', 'connection: x-tenant', 'x-tenant: a']
  expect(await statusOf('GET /orders HTTP/1.1', ...named)).toBe(400)
  expect((await fetch(`${api}/.well-known/jwks.json`)).status).toBe(200)
  expect(seen.splice(0)).toEqual(['GET /orders', 'GET /public', 'GET /nowhere', 'GET /.well-known/jwks.json'])

  const records = readFileSync(log, 'utf8').trim().split('\n')
  expect(records.map(line => JSON.parse(line)).find(({ event }) => event === 'observing')).toMatchObject({
    answers: ['/.well-known/aauth-resource', '/.well-known/jwks.json'],
  })
  expect(records.map(line => JSON.parse(line)).filter(({ event }) => event === 'lax_route')).toMatchObject([
    { level: 'warn', path: '/files/*', stricter: ['/files/own/*'] },
  ])
  const { code, stdout } = await run(['gateway', 'report', '--json', log])
  expect(code).toBe(0)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ passed: 1, refused: 5, refusedAnyway: 3, others: 0, leftOut: {} })
  const reasons = new Map(
    report.refusals.map(({ description, ...reason }: { description: string }) => [description, reason]),
  )
  expect(Object.fromEntries(reasons)).toMatchObject({
    'The message must be signed, and has no signature of the kind that its receiver needs.': {
      route: '/orders',
      code: 'invalid_signature',
      status: 401,
      level: 'anonymous',
    },
    'Nothing is served at this path.': { code: 'invalid_request', status: 404 },
    'A header could make the API behind read another request than the verified one: Connection names a field that is not of this hop':
      { status: 400, anyway: true },
  })
  expect(report.refusals.filter(({ anyway }: { anyway?: true }) => anyway)).toMatchObject(
    [413, 400, 400].map(status => ({ code: 'invalid_request', status, count: 1 })),
  )
  expect((await run(['gateway', 'report', log])).stdout).toMatch(
    /^5 of 6 requests would have been refused\n[\s\S]*\n {2}3 of them were refused: /,
  )
})
