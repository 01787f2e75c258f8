import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { agentIn } from '../agents.test.fixture.js'
import { AgentError } from '../error.js'
import { explain } from '../explanation.js'
import { calendar, world } from '../participants.test.fixture.js'
import { RefusedError, throwOnRefusal } from './throw-on-refusal.js'

test('a refused call rejects with the reason, and an answered one resolves', async () => {
  const own = await world()
  const listed = throwOnRefusal(agentIn(own).fetch)
  expect((await listed(`${calendar}/events`)).status).toBe(200)
  const unlisted = agentIn(own, { acceptAuthServer: [] })
  expect((await unlisted.fetch(`${calendar}/events`)).status).toBe(401)
  const error: unknown = await throwOnRefusal(unlisted.fetch)(`${calendar}/events`).catch(thrown => thrown)
  expect(error).toBeInstanceOf(RefusedError)
  expect(error).toBeInstanceOf(AgentError)
  if (!(error instanceof RefusedError)) throw error
  expect(error).toMatchObject({ code: 'refused', cause: { status: 401, outcome: 'gave_up' } })
  expect(error.message).toMatch(/^401: acceptAuthServer does not list this auth server/)
  expect(explain(error.response).outcome).toBe('gave_up')
  expect(error.response.bodyUsed).toBe(false)
  // The challenge that was not met holds a resource token.
  expect(error.response.headers.get('agent-auth')).toMatch(/ey/)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/ey[\w-]{10,}\./)
})

test('an answer of the API itself is no refusal', async () => {
  const own = await world()
  own.network.intercept(calendar, () => new Response('no such page', { status: 404 }))
  expect((await throwOnRefusal(agentIn(own).fetch)(`${calendar}/nothing`)).status).toBe(404)
})

test('an agent in place of its fetch is a TypeError', async () => {
  const own = await world()
  expect(() => throwOnRefusal(agentIn(own) as never)).toThrow(
    new TypeError('throwOnRefusal takes a function: agent.fetch'),
  )
})
