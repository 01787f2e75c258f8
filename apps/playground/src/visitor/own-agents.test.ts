import { expect, test } from 'vitest'
import type { Participants } from '../participants.js'
import type { SentExchange } from '../senders.js'
import type { OwnAgent } from './contract.js'
import { mostCodes, ownAgents } from './own-agents.js'

const agentServer = 'https://agent.example'
const calendar = 'https://calendar.example'
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function tokenOf(typ: string, claims: object): string {
  return `${part({ typ })}.${part({ iat: 1, exp: 2, ...claims })}.sig`
}

interface Watched {
  readonly agents: ReturnType<typeof ownAgents>
  readonly told: Array<readonly OwnAgent[]>
  sent(exchange: { to: string; target: string; token?: string; answer?: string; body?: string; status?: number }): void
}

function watched(now = () => 0): Watched {
  const told: Array<readonly OwnAgent[]> = []
  let hear: (exchange: SentExchange) => void = () => undefined
  const participants = {
    addresses: { agentServer },
    listen(listener: typeof hear) {
      hear = listener
      return () => undefined
    },
  } as unknown as Participants
  const tell = ({ agents = [] }: { agents?: readonly OwnAgent[] }) => void told.push(agents)
  const agents = ownAgents({ participants, tell, now, alone: work => work() })
  return {
    agents,
    told,
    sent({ to, target, token, answer = '', body = '', status = 200 }) {
      const headers: Array<[string, string]> = token === undefined ? [] : [['signature-key', `sig=jwt;jwt="${token}"`]]
      const request = { method: 'GET', target, headers, body }
      hear({ at: 7, to, name: 'x', from: 'elsewhere', request, response: { status, headers: [], body: answer } })
    },
  }
}

const invitation = (sub: string) => ({ code: 'secret', sub, expires: 3600 })
const agentToken = tokenOf('agent+jwt', { iss: agentServer, sub: 'mine' })
const authToken = tokenOf('auth+jwt', { iss: 'https://auth.example', agent: agentServer, agent_delegate: 'mine' })
const enrolment = { to: agentServer, target: '/delegate/token', answer: JSON.stringify({ agent_token: agentToken }) }

test('an invited agent is told when it enrols and calls, each call with what its signature has shown', () => {
  const { agents, sent, told } = watched()
  agents.invited('Mine', invitation('mine'))
  expect(agents.all()).toEqual([{ delegate: 'mine', label: 'Mine', codeUntil: 3600, calls: [], callCount: 0 }])
  sent(enrolment)
  sent({ to: calendar, target: '/events?latest=1', token: agentToken, status: 401 })
  sent({ to: 'https://auth.example', target: '/agent/token', token: agentToken })
  sent({ to: calendar, target: '/events?latest=1', token: authToken })
  const [mine] = agents.all()
  expect(mine).toMatchObject({ enrolled: 7, callCount: 2 })
  expect(mine?.calls.map(({ path, level, status }) => [path, level, status])).toEqual([
    ['/events', 'authorized', 200],
    ['/events', 'identified', 401],
  ])
  expect(told).toHaveLength(4)
  expect(JSON.stringify(told)).not.toContain('secret')
})

test('the tool of an MCP call is named', () => {
  const { agents, sent } = watched()
  agents.invited('Mine', invitation('mine'))
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'what_time' } })
  sent({ to: 'https://tools.example', target: '/mcp', token: agentToken, body })
  expect(agents.all()[0]?.calls[0]?.tool).toBe('tools/call what_time')
})

test('agents that were not invited here are not told, nor one of that name of another agent server', () => {
  const { agents, sent, told } = watched()
  agents.invited('Mine', invitation('mine'))
  sent({ to: calendar, target: '/events', token: tokenOf('agent+jwt', { iss: agentServer, sub: 'other' }) })
  sent({ to: calendar, target: '/events', token: tokenOf('agent+jwt', { iss: 'https://evil.example', sub: 'mine' }) })
  sent({ to: calendar, target: '/events' })
  expect(agents.all()[0]?.calls).toEqual([])
  expect(told).toHaveLength(1)
})

test('at most twenty codes wait: one that is used or has ended makes room', () => {
  let now = 0
  const { agents, sent } = watched(() => now * 1000)
  for (let made = 0; made < mostCodes - 1; made++) agents.invited('x', invitation(`x${made}`))
  expect(agents.hasRoom()).toBe(true)
  agents.invited('Mine', invitation('mine'))
  expect(agents.hasRoom()).toBe(false)
  sent(enrolment)
  expect(agents.hasRoom()).toBe(true)
  agents.invited('x', invitation('more'))
  now = 3601
  expect(agents.hasRoom()).toBe(true)
  expect(agents.all()).toHaveLength(20)
})
