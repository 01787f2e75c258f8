import { connect } from 'node:net'
import { stopsAfterTests } from '@countersign/testing/stops'
import { beforeAll, expect, test } from 'vitest'
import { call, everything } from './stage.test.fixture.js'
import { makeWorld, startGateway, startUpstream, type World } from './world.test.fixture.js'

// A caller who closes the connection ends its requests at the API, and that tells nothing of the API.

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const stops = stopsAfterTests()

const bytesOf = (method: string, target: string): string =>
  `${method} ${target} HTTP/1.1\r\nhost: api.example\r\n${method === 'POST' ? 'content-length: 1\r\n\r\nx' : '\r\n'}`

test('its requests end at the API, are logged as 499, and the API does not count as away', async () => {
  const [begun, ended, states, lines]: [string[], string[], string[], string[]] = [[], [], [], []]
  const upstream = await startUpstream((request, response) => {
    const name = `${request.method} ${request.url}`
    begun.push(name)
    response.once('close', () => ended.push(name))
    if (request.url !== '/open/wait') response.end('done')
  })
  const onUpstream = ({ state }: { readonly state: string }): void => void states.push(state)
  const running = await startGateway(world, upstream.origin, everything, { onUpstream }, line => lines.push(line))
  stops.push(async () => {
    await running.close()
    await upstream.stop()
  })
  expect(await call(running.port, { target: '/open' })).toMatchObject({ status: 200, body: 'done' })

  const waits = ['GET /open/wait', 'POST /open/wait', 'GET /open/wait']
  const socket = connect(running.port, '127.0.0.1', () =>
    socket.write(waits.map(one => bytesOf(one.slice(0, -11), '/open/wait')).join('')),
  )
  socket.on('error', () => undefined)
  await expect.poll(() => begun.length).toBe(4)
  expect(ended).toEqual(['GET /open'])
  socket.destroy()
  await expect.poll(() => ended.length).toBe(4)
  expect(ended).toEqual(expect.arrayContaining(waits))
  await expect.poll(async () => (await running.state()).requests).toBe(0)

  expect(await call(running.port, { target: '/open' })).toMatchObject({ status: 200, body: 'done' })
  expect(states).toEqual([])
  await expect.poll(() => lines.length).toBeGreaterThanOrEqual(5)
  const told = lines.flatMap(line => line.trim().split('\n')).map(line => JSON.parse(line))
  const requests = told.filter(({ path }) => path?.startsWith('/open'))
  expect(requests.map(({ status }) => status)).toEqual([200, 499, 499, 499, 200])
  expect(requests.filter(({ cut }) => cut).map(({ status }) => status)).toEqual([499, 499, 499])
  expect(new Set(requests.map(({ level }) => level))).toEqual(new Set(['info']))
})
