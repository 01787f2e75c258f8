import { verifies } from '@countersign/requirements'
import { asHolder, type Signer } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { plus } from '../altered.test.fixture.js'
import { logged, nameByProxy, toBoth } from './logged.test.fixture.js'
import { type Stage, unsigned, type Visited } from './stage.test.fixture.js'

/** Of the group LOG what strangers would do to records: break them, forge them, and drown them. */
export function hostileRecords(stage: Stage): void {
  describe('hostile records', () => {
    hostileTexts(stage)
    floods(stage)
  })
}

/** Controls, also those of Unicode, that would end a record, hide it or forge one. */
const unsafe = /\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u

function hostileTexts({ world, site, get }: Stage): void {
  const hostile = ['a\r\nb', '\u001b[2Jx', '"},{"type":"passed"}', 'a\u2028b', '\u009b31m', 'a\u202eb', '\\']

  test(verifies('LOG-01', 'a record is one line, whatever a name contains'), async () => {
    const visited = await site()
    for (const text of hostile) {
      const claimed = [{ sub: text }, { agent_delegate: text }, { agent: text }, { scope: text }, { txn: text }]
      for (const claims of claimed) await once(visited, asHolder(world.delegateKey, await world.authToken(claims)))
      await once(visited, asHolder(world.delegateKey, await world.agentToken({ sub: text })))
      const kid = { ...world.agent, kid: text }
      await once(visited, asHolder(world.delegateKey, await world.agentToken({}, kid)))
    }
    await visited.passes(await get())
    await expectPlainLines(visited)
  })

  test(verifies('LOG-01', 'nor does anything else of a request make another'), async () => {
    const visited = await site({ requestId: nameByProxy })
    for (const text of hostile) {
      const escaped = encodeURIComponent(text)
      const bytes = Buffer.from(text.replace(/\p{Cc}/gu, '')).toString('latin1')
      const wires = [
        unsigned(`/feed?${escaped}`),
        plus('user-agent', bytes)(unsigned('/feed')),
        plus('x-request-id', bytes)(unsigned('/feed')),
      ]
      for (const wire of wires) {
        const { events } = await visited.outcome(wire)
        expect(events.map(({ type }) => type)).toEqual(['refused'])
        expect(JSON.stringify(events)).not.toMatch(unsafe)
      }
      await visited.outcome(unsigned(`/${escaped}`))
    }
    await visited.passes(await get())
    await expectPlainLines(visited)
  })

  async function once({ outcome }: Visited, as: Signer): Promise<void> {
    const { events } = await outcome(await world.request({ as, target: '/agenda' }))
    expect(events).toHaveLength(1)
    expect(JSON.stringify(events)).not.toMatch(unsafe)
  }
}

async function expectPlainLines({ stop }: Visited): Promise<void> {
  for (const line of await stop()) {
    expect(line.endsWith('\n') && !unsafe.test(line.slice(0, -1)), line).toBe(true)
    expect(JSON.parse(line)).toBeTypeOf('object')
  }
}

function floods({ world, site, as, get }: Stage): void {
  test(
    verifies('LOG-05', 'a flood of bad requests makes small records, bounded in number, and hides no grant'),
    async () => {
      const { lines, limit, tell } = logged()
      const { outcome, passes, stop } = await site({ onEvent: toBoth(world, tell) })
      const large = plus('user-agent', 'x'.repeat(9000))(unsigned('/feed', { target: `/feed?${'a'.repeat(3000)}` }))
      for (let again = 0; again < 150; again++) expect((await outcome(large)).events).toHaveLength(1)
      await passes(await get('/feed?granted'))
      await passes(await world.request({ as, target: '/public' }))
      limit.end()
      const records = lines.map(line => JSON.parse(line))
      expect(records.filter(({ event }) => event === 'refused')).toHaveLength(60)
      expect(records.slice(60)).toMatchObject([
        { event: 'passed' },
        { event: 'passed' },
        { msg: 'lines left out', left_out: 90, kinds: { 'refused invalid_signature': 90 } },
      ])
      const byServer = await stop()
      expect(byServer.filter(line => line.includes('"status":401')).length).toBeLessThan(100)
      expect(Math.max(...[...lines, ...byServer].map(line => line.length))).toBeLessThan(1000)
      if (byServer.length > 0) expect(byServer.filter(line => line.includes('"status":200'))).toHaveLength(2)
    },
  )
}
