import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)

const pem = (file: string): string =>
  readFileSync(new URL(`../../discovery/src/fixtures/${file}.pem`, import.meta.url), 'utf8')
const tls = { cert: pem('server.test'), key: pem('server.test.key') }
const handle = async (): Promise<Response> => new Response('hello')
const request = 'GET / HTTP/1.1\r\nHost: room.example\r\n\r\n'

/** A connection whose handshake is done. */
function open(port: number, options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => resolve(socket))
    socket.on('error', reject)
  })
}

function ask(socket: TLSSocket, bytes: string): Promise<string> {
  return new Promise(resolve => {
    socket.once('data', chunk => resolve(String(chunk)))
    socket.write(bytes)
  })
}

test('a server with a certificate speaks TLS 1.2 or later, and says https where it is ready', async () => {
  const lines: string[] = []
  const server = await start(handle, { tls, announce: line => lines.push(line) })
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
  expect(lines).toEqual([`countersign room ready at ${server.url}`])
  const socket = await open(server.port)
  expect(await ask(socket, request)).toMatch(/^HTTP\/1\.1 200.*hello$/s)
  expect(socket.getProtocol()).toMatch(/^TLSv1\.[23]$/)
  socket.destroy()
  await expect(open(server.port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow()
  // Plain http and garbage get nothing, and the server goes on.
  for (const bytes of [request, '\0\0\0\0\0\0'])
    expect(await exchangeBytes(server.port, bytes).catch(() => '')).not.toContain('hello')
  const again = await open(server.port)
  expect(await ask(again, request)).toContain('hello')
  again.destroy()
})

test('a new certificate is for new connections, those there go on; a wrong one changes nothing', async () => {
  const server = await start(handle, { tls })
  const before = await open(server.port)
  const { fingerprint256 } = before.getPeerCertificate()
  expect(() => server.setCertificate({ cert: pem('other-name.test'), key: 'no key' })).toThrow()
  expect(() => server.setCertificate({ cert: 'no certificate', key: tls.key })).toThrow()
  const same = await open(server.port)
  expect(same.getPeerCertificate().fingerprint256).toBe(fingerprint256)
  server.setCertificate({ cert: pem('other-name.test'), key: tls.key })
  const after = await open(server.port)
  expect(after.getPeerCertificate().fingerprint256).not.toBe(fingerprint256)
  expect(await ask(before, request)).toContain('hello')
  for (const socket of [before, same, after]) socket.destroy()
  const plain = await start(handle)
  expect(() => plain.setCertificate(tls)).toThrow(TypeError)
})

test('a close answers requests under way and waits for no handshake beyond the drain', async () => {
  let release = (): void => {}
  const waiting = new Promise<void>(resolve => {
    release = resolve
  })
  const server = await start(
    async () => {
      await waiting
      return new Response('late')
    },
    { tls, drain: 0.3 },
  )
  const asking = await open(server.port)
  const answer = ask(asking, request)
  const silent = connectPlain(server.port, '127.0.0.1')
  await new Promise(resolve => silent.once('connect', resolve))
  await new Promise(resolve => setTimeout(resolve, 50))
  const began = performance.now()
  const closed = server.close()
  setTimeout(release, 50)
  expect(await answer).toContain('late')
  await closed
  expect(performance.now() - began).toBeLessThan(2000)
  silent.destroy()
})
