import type { Addresses } from './addresses.js'

/** Seconds an auth token of the playground lives: short, so that a refresh can be watched. */
export const authTokenLifetime = 4

/** The file of the auth server: who signs in there, and what is granted to whom. */
export function authServerConfig({ agentServer, authServer, calendar, tools }: Addresses): Record<string, unknown> {
  return {
    authTokenLifetime,
    demoUsers: [
      { name: 'Ada Lovelace', email: 'ada@demo.example' },
      { name: 'Grace Hopper', email: 'grace@demo.example' },
      { name: 'Alan Turing' },
    ],
    // The playground's own agent and its delegates read events without a user. Whatever else the calendar has, and
    // what the tools can do, for whichever agent, its users decide.
    grants: [{ agent: agentServer, delegates: 'any', resource: calendar, scopes: ['events.read'] }],
    ask: [
      { agents: 'any', resources: [calendar, tools] },
      { agents: 'any', resources: ['self'], scopes: ['openid', 'profile', 'email'] },
    ],
    // Whoever may show codes can ask anyone to type them in: named, never any.
    deviceFlow: [agentServer],
    // Who lets the tools make plans has not yet let them into the calendar: that is asked by itself.
    exchange: {
      rules: [
        {
          ...{ upstream: authServer, middle: tools, downstream: calendar, upstreamScopes: ['plans.write'] },
          ...{ scopes: ['events.write'], decision: 'consent' },
        },
      ],
    },
  }
}

/**
 * The file of the auth server of rooms, in another domain: its users have other accounts, and it lets the calendar pass on what it
 * was called with. What rooms there are it may ask at once; to book one is for their user to say.
 */
export function roomsAuthServerConfig({ authServer, calendar, rooms }: Addresses): Record<string, unknown> {
  const path = { upstream: authServer, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  return {
    demoUsers: [
      { name: 'Ada Lovelace', email: 'lovelace@rooms.example' },
      { name: 'Grace Hopper', email: 'hopper@rooms.example' },
    ],
    ask: [{ agents: 'any', resources: [rooms] }],
    exchange: {
      rules: [
        { ...path, scopes: ['rooms.read'], decision: 'direct' },
        { ...path, scopes: ['rooms.book'], decision: 'consent' },
      ],
    },
  }
}
