import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Stand, stand } from './processes.fixture.js'

// As many idle connections as a server takes, at a real one.

const most = 10_000
let place: Stand
let port: number
let pid: number

beforeAll(async () => {
  place = stand()
  port = await freePort()
  const flags = ['--port', String(port), '--data', join(place.folder, 'data'), '--development']
  const server = await place.start('agent-server', ['agent-server', '--id', `http://localhost:${port}`, ...flags])
  pid = server.pid ?? 0
})
afterAll(() => place.stop())

function idle(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

/** The status of a request on a connection of its own; 0 without an answer. */
function status(): Promise<number> {
  return new Promise(resolve => {
    const request = get({ host: '127.0.0.1', port, path: '/.well-known/aauth-agent', agent: false }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', () => resolve(0))
  })
}

/** Resident memory of the server in bytes, where the kernel tells. */
function memory(): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

test(verifies('DOS-13', '10 000 idle connections leave the server healthy'), async () => {
  const before = memory()
  const sockets: Socket[] = []
  for (let round = 0; round < most; round += 500)
    sockets.push(...(await Promise.all(Array.from({ length: 500 }, idle))))
  for (const socket of sockets) socket.on('error', () => {})
  expect(memory() - before).toBeLessThan(300 * 1024 * 1024)
  // A connection without a request loses its slot after 10 seconds.
  const closed = sockets.map(socket => new Promise<void>(resolve => socket.on('close', () => resolve()).resume()))
  await Promise.all(closed)
  await vi.waitFor(async () => expect(await status()).toBe(200), 10_000)
  expect(memory() - before).toBeLessThan(300 * 1024 * 1024)
})
