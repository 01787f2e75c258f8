import { type Agent, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import type { ScriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { display } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An app asks a calendar, which books a room in another trust domain; rooms has every booking approved by its user.

const place = domains()
let [app, one, two, calendar, rooms] = ['', '', '', '', '']
let agent: Agent
/** Who has booked, and for whom. */
const booked: object[] = []

beforeAll(async () => {
  ;[app, one, two, calendar, rooms] = (await origins(5)) as [string, string, string, string, string]
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(one, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }])] }),
      policy: askUsers([
        { agents: 'any', resources: [calendar] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    }),
    place.authServer(two, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }),
      exchange: { rules: [{ ...path, scopes: ['rooms.book'], decision: 'consent' }] },
    }),
    place.resource(
      {
        id: calendar,
        authServers: [one],
        scopes: { 'events.write': 'Add events' },
        downstream: { acceptAuthServer: [two] },
      },
      'events.write',
      async aauth => {
        const body = JSON.stringify({ room: '5' })
        const headers = { 'content-type': 'application/json' }
        const answer = await aauth.fetch(`${rooms}/bookings`, { method: 'POST', body, headers })
        return Response.json(await answer.json(), { status: answer.status })
      },
    ),
    place.resource(
      {
        id: rooms,
        authServers: [two],
        scopes: { 'rooms.book': 'Book rooms in your name' },
        operations: { book: 'Book a room' },
      },
      {
        scope: 'rooms.book',
        operation: 'book',
        approve: true,
        describe: request => display`Book room ${(request.json() as { room: string }).room}`,
      },
      async ({ agent, chain, user }) => {
        booked.push({ agent, chain, user: user?.iss })
        return Response.json({ booked: booked.length })
      },
    ),
  ])
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [one],
    identifyTo: [calendar],
    interact: callbackRoute({ redirectUri }),
    development,
  })
})

afterAll(() => place.close())

describe(
  verifies('approval.asked', 'approval.once', 'a booking that a middle makes is approved by the user behind it:'),
  () => {
    const call = (): Promise<Response> => agent.fetch(`${calendar}/bookings`, { method: 'POST' })
    let ada: ScriptedUser

    test('the caller is sent to the approval page, and the approval is used for one booking', async () => {
      ada = browserOf(agent, `${app}/callback`)
      await ada.follow(await urlOf(call()), ['Ada Lovelace', 'Allow'])
      await ada.follow(await urlOf(call()), ['Ada', 'Allow', 'Connect', 'Allow'])
      const { headings, url } = await ada.follow(await urlOf(call()), ['Approve once'])
      expect(headings[0]).toBe(
        `${calendar.slice('http://'.length)} asks you to approve one call to ${rooms.slice('http://'.length)}`,
      )
      expect(url.startsWith(`${app}/callback?`)).toBe(true)
      const response = await call()
      expect([response.status, await response.json()]).toEqual([200, { booked: 1 }])
      expect(booked).toEqual([{ agent: calendar, chain: [{ iss: one, agent: app }], user: two }])
    })

    test('the next one is asked about again', async () => {
      await ada.follow(await urlOf(call()), ['Approve once'])
      expect((await call()).status).toBe(200)
      expect(booked).toHaveLength(2)
    })

    test('a user who says no is heard by the agent at once, and nothing is booked', async () => {
      await expect(ada.follow(await urlOf(call()), ['No'])).rejects.toMatchObject({
        code: 'denied',
        message: 'the user said no',
      })
      // The next call asks anew.
      await ada.follow(await urlOf(call()), ['Approve once'])
      expect(booked).toHaveLength(2)
      expect((await call()).status).toBe(200)
      expect(booked).toHaveLength(3)
    })
  },
)
