import { logLimit } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import { jsonLog } from './index.js'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)

function collected() {
  const lines: Array<Record<string, unknown>> = []
  return { lines, log: jsonLog({ name: 'room', write: line => lines.push(JSON.parse(line)) }) }
}

test(
  verifies('LOG-05', "a flood at a server's door is bounded, and what it answers well is logged in the midst of it"),
  async () => {
    const { lines, log } = collected()
    const { url, port } = await start(
      async ({ target }) => {
        if (target === '/bug') throw new Error('a bug')
        return new Response(null, { status: target === '/good' ? 204 : 403 })
      },
      { log, logLimit: logLimit(log, { lines: 3 }) },
    )
    for (let count = 0; count < 20; count++) {
      for (const path of ['/bad', '/bug']) await fetch(url + path)
      await exchangeBytes(port, 'NONSENSE\r\n\r\n')
    }
    for (let count = 0; count < 5; count++) await fetch(`${url}/good`)
    const counted = (wanted: Record<string, unknown>): number =>
      lines.filter(line => Object.entries(wanted).every(([name, value]) => line[name] === value)).length
    expect(counted({ msg: 'request', status: 403 })).toBe(3)
    expect(counted({ msg: 'request failed', status: 500 })).toBe(3)
    expect(counted({ msg: 'malformed request' })).toBe(3)
    expect(counted({ msg: 'request', status: 204 })).toBe(5)
    await closeAll()
    expect(lines.at(-1)).toMatchObject({
      msg: 'lines left out',
      left_out: 51,
      kinds: { 'request 403': 17, 'request 500': 17, 'malformed 400': 17 },
    })
  },
)

test(verifies('LOG-03', 'the participant gets the request id that is logged'), async () => {
  const { lines, log } = collected()
  const told: Array<string | undefined> = []
  const { url } = await start(
    async ({ requestId }) => {
      told.push(requestId)
      return new Response(null, { status: 204 })
    },
    { log },
  )
  await fetch(url, { headers: { 'x-request-id': 'proxy-id-12345' } })
  await fetch(url, { headers: { 'x-request-id': 'forged id' } })
  expect(told[0]).toBe('proxy-id-12345')
  expect(told[1]).toMatch(/^[0-9a-f-]{36}$/)
  await closeAll()
  expect(lines.map(line => line['request_id'])).toEqual(told)
})
