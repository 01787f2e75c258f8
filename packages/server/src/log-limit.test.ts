import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import { jsonLog, logLimit } from './index.js'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)

function collected() {
  const lines: Array<Record<string, unknown>> = []
  const clock = { now: 1000 }
  const log = jsonLog({ name: 'room', write: line => lines.push(JSON.parse(line)) })
  return { lines, clock, log, limit: logLimit(log, { now: () => clock.now, lines: 3 }) }
}

test(
  verifies('LOG-05', 'a million bad requests make three lines a minute of their kind, and one that says how many more'),
  () => {
    const { lines, clock, log, limit } = collected()
    for (let count = 0; count < 1_000_000; count++) limit.write('refused', () => log.info({ count }, 'refused'))
    limit.write('granted twice', () => log.info({}, 'another kind'))
    expect(lines.map(({ msg }) => msg)).toEqual(['refused', 'refused', 'refused', 'another kind'])
    // What is not bounded is written whatever happens, and brings what was left out with it once the minute is over.
    limit.turn()
    expect(lines).toHaveLength(4)
    clock.now += 60
    limit.turn()
    expect(lines.slice(4)).toMatchObject([
      { level: 'warn', msg: 'lines left out', left_out: 999_997, kinds: { refused: 999_997 }, since: 1000 },
    ])
    limit.write('refused', () => log.info({}, 'refused'))
    limit.turn()
    expect(lines.slice(5).map(({ msg }) => msg)).toEqual(['refused'])
  },
)

test(
  verifies('LOG-05', 'a clock that goes back silences nothing for longer, and kinds that grow share one count'),
  () => {
    const { lines, clock, log, limit } = collected()
    for (let count = 0; count < 5; count++) limit.write('refused', () => log.info({}, 'refused'))
    clock.now -= 3600
    limit.write('refused', () => log.info({}, 'refused'))
    expect(lines.map(({ msg }) => msg)).toEqual(['refused', 'refused', 'refused', 'lines left out', 'refused'])
    lines.length = 0
    for (let kind = 0; kind < 1000; kind++) limit.write(`kind ${kind}`, () => log.info({}, 'new'))
    // The one kind of before, 199 more, and three of all others.
    expect(lines).toHaveLength(202)
    limit.end()
    expect(lines.at(-1)).toMatchObject({ left_out: 798, kinds: { other: 798 } })
  },
)

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

test(verifies('LOG-03', 'the participant is told the name under which its request is logged'), async () => {
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
