import type { Agent, AgentOptions } from './agent.js'
import { agentIn } from './agents.test.fixture.js'
import { delegate } from './identity/identity.js'
import { home, type World } from './participants.test.fixture.js'

/** What reached the delegate token endpoint, by kind. */
export const asked = (own: World): string[] =>
  own.network.sent
    .filter(exchange => exchange.target === '/delegates')
    .map(({ text }) => (text === '' ? 'renew' : 'jwk' in JSON.parse(text) ? 'rotate' : 'enrol'))

export const jwksAsked = (own: World): unknown[] =>
  own.network.sent.filter(exchange => exchange.text.startsWith('{"jwk"')).map(({ text }) => JSON.parse(text).jwk)

/** The answers to rotations are lost `times` times, after the server has acted. */
export function loses(own: World, times: number): void {
  let left = times
  own.network.intercept(home, async (exchange, next) => {
    const response = await next(exchange)
    if (!exchange.text.startsWith('{"jwk"') || left === 0) return response
    left -= 1
    throw new TypeError('fetch failed')
  })
}

/** A delegate that replaces its key after so many seconds. */
export function rotating(own: World, rotateEvery: number, options: Partial<AgentOptions> = {}): Agent {
  const enroll = { type: 'code', code: 'first' } as const
  return agentIn(own, { identity: delegate({ agentServer: home, enroll, rotateEvery }), ...options })
}
