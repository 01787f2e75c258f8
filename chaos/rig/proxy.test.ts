import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { afterEach, expect, test } from 'vitest'
import { random } from '../random.js'
import { openWay, type Way } from './proxy.js'

const ends: Array<() => Promise<unknown>> = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A server that answers each piece with itself, and a way there. */
async function echo(): Promise<{ way: Way; server: Server; seen: string[] }> {
  const seen: string[] = []
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.on('data', bytes => {
      seen.push(String(bytes))
      socket.write(`echo ${bytes}`)
    })
  })
  const way = await openWay({ targets: [await listenOn(server)], random: random(1) })
  ends.push(
    () => closeServer(server),
    () => way.close(),
  )
  return { way, server, seen }
}

async function client(way: Way): Promise<{ socket: Socket; got: string[]; ended: () => boolean }> {
  const socket = connect(way.port, '127.0.0.1')
  const got: string[] = []
  let isEnded = false
  socket.setNoDelay(true)
  socket.on('data', bytes => got.push(String(bytes)))
  socket
    .on('error', () => undefined)
    .on('close', () => {
      isEnded = true
    })
  ends.push(async () => socket.destroy())
  await once(socket, 'connect').catch(() => undefined)
  return { socket, got, ended: () => isEnded }
}

test('a way passes on, and counts nothing', async () => {
  const { way } = await echo()
  const { socket, got } = await client(way)
  socket.write('a')
  await expect.poll(() => got.join('')).toBe('echo a')
  expect(way.counts).toEqual({ opened: 1, cut: 0, delayed: 0, dropped: 0 })
})

test('what is delayed comes before what was sent later, also where the delay has ended', async () => {
  const { way, seen } = await echo()
  const { socket } = await client(way)
  way.weather = { delay: 150 }
  socket.write('a')
  await sleep(50)
  way.weather = {}
  socket.write('b')
  await sleep(20)
  expect(seen).toEqual([])
  await expect.poll(() => seen.join('')).toBe('ab')
  expect(way.counts.delayed).toBe(1)
})

test('answers that are lost leave the server with what it did, and the client without an answer', async () => {
  const { way, seen } = await echo()
  const { socket, got, ended } = await client(way)
  way.weather = { silent: 'from' }
  socket.write('a')
  await expect.poll(() => seen).toEqual(['a'])
  await sleep(50)
  expect([got, ended()]).toEqual([[], false])
  expect(way.counts.dropped).toBe(1)
  way.cutAll()
  await expect.poll(ended).toBe(true)
})

test('a connection that is cut ends after the server has acted', async () => {
  const { way, seen } = await echo()
  way.weather = { cut: 1 }
  const { socket, got, ended } = await client(way)
  socket.write('a')
  await expect.poll(ended).toBe(true)
  expect([seen, got]).toEqual([['a'], []])
})

test('a way that refuses reaches nobody, and a target that does not listen is left out', async () => {
  const { way, seen } = await echo()
  way.weather = { refuses: true }
  const refused = await client(way)
  await expect.poll(refused.ended).toBe(true)
  way.weather = {}
  way.targets = [1, ...way.targets]
  for (let turn = 0; turn < 2; turn++) {
    const { socket, got } = await client(way)
    socket.write('a')
    await expect.poll(() => got.join('')).toBe('echo a')
  }
  expect(seen).toHaveLength(2)
})
