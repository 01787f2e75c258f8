import { inspect } from 'node:util'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn, schemes } from '../agents.test.fixture.js'
import { explain } from '../explanation.js'
import { calendar, home, type World, world } from '../participants.test.fixture.js'
import { memoryState } from '../state/state.js'
import { agentServer, delegate, pseudonym } from './identity.js'

const agenda = `${calendar}/agenda`

/** Answers of the delegate token endpoint, changed. */
function enrolment(own: World, answer: (json: Record<string, unknown>) => Response): void {
  own.network.intercept(home, async (exchange, next) => {
    const response = await next(exchange)
    return exchange.target === '/delegates' && response.status === 200 ? answer(await response.json()) : response
  })
}

describe('enrolment', () => {
  test(
    verifies(
      'delegate.enrol.code',
      'delegate.json',
      'is JSON, signed by the new key, without anything else of the agent',
    ),
    async () => {
      const own = await world()
      await delegateIn(own).fetch(agenda)
      const [request] = own.network.sent.filter(exchange => exchange.origin === home)
      expect(request?.method).toBe('POST')
      expect(request?.header('content-type')).toBe('application/json')
      expect(JSON.parse(request?.text ?? '')).toEqual({ enrollment: { type: 'code', code: 'first' } })
      expect(request?.header('signature-key')).toMatch(/^sig=hwk;/)
      expect(request?.header('signature-input')).toContain('"content-digest"')
    },
  )

  test(verifies('delegate.enrol.refused', 'a used code: the challenge comes back, and explain says why'), async () => {
    const own = await world()
    expect((await delegateIn(own).fetch(agenda)).status).toBe(200)
    const response = await delegateIn(own).fetch(agenda)
    expect(response.status).toBe(401)
    expect(explain(response)).toMatchObject({
      outcome: 'gave_up',
      reason:
        'the agent server does not take this enrolment code: it is unknown, used or expired; ask its operator for a new one (400 invalid_grant enrolment_code_invalid); so the challenge of calendar.example could not be met',
    })
  })

  test.each<readonly [string, string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['iss', 'invalid_agent_token', claims => ({ ...claims, iss: 'https://other.example' })],
    ['exp', 'invalid_agent_token', claims => ({ ...claims, iat: 1_600_000_000, exp: 1_600_003_600 })],
  ])(
    verifies('agent.checks.token-answer', 'an agent token with a wrong %s is refused and not kept'),
    async (_, member, tamper) => {
      const own = await world()
      const state = memoryState()
      own.tamper.set('agent+jwt', tamper)
      await expect(delegateIn(own, { state }).fetch(agenda)).rejects.toMatchObject({
        code: 'invalid_answer',
        cause: { member },
      })
      expect(await state.read(`delegate ${home}`)).not.toHaveProperty('current')
      expect(schemes(own, calendar)).toEqual(['none'])
      own.tamper.clear()
      expect((await delegateIn(own, { state, code: 'second' }).fetch(agenda)).status).toBe(200)
    },
  )

  test(verifies('agent.checks.token-answer', 'an agent token for another key is refused'), async () => {
    const own = await world()
    const jwk = (await generateSigningKey()).publicJwk
    own.tamper.set('agent+jwt', claims => ({ ...claims, cnf: { jwk } }))
    await expect(delegateIn(own).fetch(agenda)).rejects.toMatchObject({
      code: 'invalid_answer',
      cause: { member: 'cnf' },
    })
  })

  test('an HTML page as an answer is refused', async () => {
    const own = await world()
    enrolment(own, json => new Response(JSON.stringify(json), { headers: { 'content-type': 'text/html' } }))
    await expect(delegateIn(own).fetch(agenda)).rejects.toMatchObject({ code: 'invalid_answer' })
  })

  test('damaged state is named, and its content is not', async () => {
    const own = await world()
    const state = memoryState()
    const current = { key: 'k', agent_token: 'eyJ', key_since: 0 }
    for (const damaged of [{ jwk: { d: 'secret' } }, { current }, { current: { ...current, key: 7 } }, 'secret', [1]]) {
      await state.write(`delegate ${home}`, damaged)
      const error = await delegateIn(own, { state })
        .fetch(agenda)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'state_unusable' })
      expect(inspect(error, { depth: 9 })).not.toMatch(/secret|eyJ/)
    }
    await state.remove(`delegate ${home}`)
    expect((await delegateIn(own, { state }).fetch(agenda)).status).toBe(200)
  })
})

test('a saved key that is missing or was replaced is an error before anything is signed', async () => {
  for (const spoil of ['remove', 'generate'] as const) {
    const own = await world()
    const state = memoryState()
    await delegateIn(own, { state }).identify()
    expect((await delegateIn(own, { state }).fetch(agenda)).status).toBe(200)
    const sent = own.network.sent.length
    await state.keys?.[spoil](`delegate ${home} 1`)
    await expect(delegateIn(own, { state }).fetch(agenda)).rejects.toMatchObject({
      code: 'state_unusable',
      message: 'the key of the saved enrolment is gone: remove it and enrol again',
    })
    expect(own.network.sent).toHaveLength(sent)
  }
})

describe('identify', () => {
  test('enrols ahead of the first call, and later needs no code', async () => {
    const own = await world()
    const state = memoryState()
    expect(await delegateIn(own, { state }).identify()).toEqual({ agent: home, delegate: 'd1' })
    const later = agentIn(own, { state, identity: delegate({ agentServer: home }) })
    expect(await later.identify()).toEqual({ agent: home, delegate: 'd1' })
    expect((await later.fetch(agenda)).status).toBe(200)
    expect(calls(own, home)).toHaveLength(1)
    expect(await agentIn(own).identify()).toEqual({ agent: home })
  })

  test('fails without enrolment and code, and for a pseudonym', async () => {
    const own = await world()
    for (const identity of [delegate({ agentServer: home }), pseudonym()]) {
      const agent = agentIn(own, { identity })
      await expect(agent.identify()).rejects.toMatchObject({ code: 'not_allowed' })
      const response = await agent.fetch(agenda)
      expect(response.status).toBe(401)
      expect(explain(response)).toMatchObject({ outcome: 'gave_up' })
      expect(schemes(own, calendar)).not.toContain('jwt')
    }
  })
})

describe('renewal', () => {
  test(
    verifies('delegate.renew', 'is an empty POST under the current token, ahead of its end, for the same key'),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(agenda)
      own.clock.time += 0.69 * 3600
      await agent.fetch(agenda)
      expect(calls(own, home)).toHaveLength(1)
      own.clock.time += 0.02 * 3600
      await agent.fetch(agenda)
      await expect.poll(() => calls(own, home)).toHaveLength(2)
      const renewal = own.network.sent.filter(exchange => exchange.origin === home).at(-1)
      expect(renewal?.body).toBeUndefined()
      expect(renewal?.header('signature-key')).toMatch(/^sig=jwt;/)
      const tokens = async () => {
        await agent.fetch(agenda)
        return own.network.sent.at(-1)?.header('signature-key')
      }
      await expect.poll(tokens).not.toBe(renewal?.header('signature-key'))
      expect(calls(own, home)).toHaveLength(2)
    },
  )

  test('is spread by chance, so that a fleet does not come at once', async () => {
    const own = await world()
    const agent = delegateIn(own, { random: () => 1 })
    await agent.fetch(agenda)
    own.clock.time += 0.89 * 3600
    await agent.fetch(agenda)
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(calls(own, home)).toHaveLength(1)
    own.clock.time += 0.02 * 3600
    await agent.fetch(agenda)
    await expect.poll(() => calls(own, home)).toHaveLength(2)
  })

  test(verifies('delegate.renew.grace', 'works after the end of the token, once for all calls'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    own.clock.time += 7200
    const all = await Promise.all(Array.from({ length: 10 }, () => agent.fetch(agenda)))
    expect(all.every(response => response.status === 200)).toBe(true)
    expect(calls(own, home)).toHaveLength(2)
  })

  test('that fails leaves the token in use until its end, and is not tried at every call', async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    own.network.intercept(home, (exchange, next) =>
      exchange.target === '/delegates' ? new Response(null, { status: 502 }) : next(exchange),
    )
    own.clock.time += 3000
    for (let n = 0; n < 5; n++) {
      expect((await agent.fetch(agenda)).status).toBe(200)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(calls(own, home)).toHaveLength(2)
    own.clock.time += 590
    expect((await agent.fetch(agenda)).status).toBe(200)
    own.clock.time += 100
    await expect(agent.fetch(agenda)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test(verifies('token.agent.sub', 'a renewal that names another delegate is refused'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    own.tamper.set('agent+jwt', claims => ({ ...claims, sub: 'd9' }))
    own.clock.time += 7200
    await expect(agent.fetch(agenda)).rejects.toMatchObject({ code: 'invalid_answer', cause: { member: 'sub' } })
    own.tamper.clear()
    own.clock.time += 1
    expect((await agent.fetch(agenda)).status).toBe(200)
  })

  test('an enrolment that ended is replaced only by a code that was not used for it', async () => {
    const own = await world()
    const state = memoryState()
    await delegateIn(own, { state }).fetch(agenda)
    own.clock.time += 31 * 86_400
    expect((await delegateIn(own, { state }).fetch(agenda)).status).toBe(401)
    expect((await delegateIn(own, { state, code: 'second' }).fetch(agenda)).status).toBe(200)
  })
})

test(verifies('CLI-13', 'no private key, code or token is printed, nor sent where it does not belong'), async () => {
  const own = await world()
  // The plainest of states, whose keys are among its values.
  const { read, write, remove } = memoryState()
  const state = { read, write, remove }
  const identity = delegate({ agentServer: home, enroll: { type: 'code', code: 'first' } })
  const agent = agentIn(own, { identity, state })
  const response = await agent.fetch(`${calendar}/events`)
  const { current } = (await read(`delegate ${home}`)) as { current: { key: string; agent_token: string } }
  const { d } = (await read(`key ${current.key}`)) as { d: string }
  const printed = [identity, agent, agentServer({ id: home, kid: 'k1', key: own.agentKey }), explain(response)]
    .flatMap(value => [inspect(value, { depth: 9, showHidden: true }), JSON.stringify(value), String(value)])
    .join('\n')
  expect(d).toHaveLength(43)
  expect(printed).not.toMatch(/first|eyJ/)
  expect(printed).not.toContain(d)
  const sent = JSON.stringify(own.network.sent.map(({ headers, text, target }) => [headers, text, target]))
  expect(sent).toContain(current.agent_token)
  expect(sent).not.toContain(d)
})
