import type { Addresses } from './addresses.js'

/** Seconds an auth token of the playground lives: short, so that a refresh can be seen. */
export const authTokenLifetime = 8

/** Seconds an agent token of the playground lives. The shortest that an agent server takes; the default is an hour. */
export const agentTokenLifetime = 60

/** Visitors, and the users of stories that follow one another, are one network here. */
const pagesPerMinute = 10_000

/** A user whom anyone may sign in as. */
interface DemoUser {
  readonly name: string
  readonly email?: string
}

/** The demo users of the auth server. */
export const demoUsers: readonly DemoUser[] = [
  { name: 'Ada Lovelace', email: 'ada@demo.example' },
  { name: 'Grace Hopper', email: 'grace@demo.example' },
  { name: 'Alan Turing' },
]

/** The demo users of the auth server of rooms. */
export const roomsDemoUsers: readonly DemoUser[] = [
  { name: 'Ada Lovelace', email: 'lovelace@rooms.example' },
  { name: 'Grace Hopper', email: 'hopper@rooms.example' },
]

/** The configuration of the auth server: its demo users and its policy. */
export function authServerConfig({ agentServer, authServer, calendar, tools }: Addresses): Record<string, unknown> {
  return {
    authTokenLifetime,
    demoUsers,
    pagesPerMinute,
    // A visitor may make an account with a passkey, too.
    passkeys: 'open',
    // The playground's own agent and its delegates may read events without a user. All other scopes of the calendar and
    // the tools need the consent of a user, for any agent.
    grants: [{ agent: agentServer, delegates: 'any', resource: calendar, scopes: ['events.read'] }],
    ask: [
      { agents: 'any', resources: [calendar, tools] },
      { agents: 'any', resources: ['self'], scopes: ['openid', 'profile', 'email'] },
    ],
    // Phishing: an agent in this list can ask any user to type in its code, so it is named here, never `any`.
    deviceFlow: [agentServer],
    // Consent to the tools is not consent to their calls of the calendar: the user is asked for each.
    exchange: {
      rules: [
        {
          upstream: authServer,
          middle: tools,
          downstream: calendar,
          upstreamScopes: ['plans.write'],
          scopes: ['events.write'],
          decision: 'consent',
        },
      ],
    },
  }
}

/**
 * The configuration of the auth server of rooms, in another domain, whose users have other accounts. It lets the calendar exchange
 * its upstream tokens: at once to list rooms, and with the consent of the user to book one. The tools may pay for rooms with that consent.
 */
export function roomsAuthServerConfig(addresses: Addresses): Record<string, unknown> {
  const { authServer, calendar, rooms, desks, tools } = addresses
  const path = { upstream: authServer, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  return {
    demoUsers: roomsDemoUsers,
    pagesPerMinute,
    ask: [{ agents: 'any', resources: [rooms, desks] }],
    exchange: {
      rules: [
        { ...path, scopes: ['rooms.read'], decision: 'direct' },
        { ...path, scopes: ['rooms.book'], decision: 'consent' },
        {
          ...path,
          middle: tools,
          upstreamScopes: ['payments.make'],
          scopes: ['fees.pay'],
          decision: 'consent',
        },
      ],
    },
  }
}
