import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan } from '../column.js'
import { forgedProof } from '../forged-proof.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys } from '../keys.js'
import type { KeptTokens } from '../oauth-client.js'
import { clientIds } from '../oauth-world.js'
import { readJson } from '../secrets.js'
import { signedHeaders, steal, thiefKey, tokenIn } from '../thief.js'
import { lastOf, told } from '../told.js'

/** A thief has the access token, and no key. */
export const tokens: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, with a bearer token' },
    async play(stage, worlds) {
      const { oauthCalendar } = worlds.participants.addresses
      const url = `${oauthCalendar}/appointments`
      const session = await worlds.client.authorize(stage, { scope: 'appointments.read', resource: oauthCalendar })
      await stage.step('client', 'reads the user’s appointments', () => worlds.client.call(session, url))
      const { access_token: token } = readJson(worlds.files.tokens) as unknown as KeptTokens
      const theft = await stage.step('thief', 'uses the access token from the client’s file', () =>
        steal(url, { headers: { authorization: `Bearer ${token}` } }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: `The thief gets ${await told(theft)}.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret], apis: [oauthCalendar] }),
      }
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with DPoP (RFC 9449)' },
    async play(stage, worlds) {
      const { oauthCalendar } = worlds.participants.addresses
      const url = `${oauthCalendar}/appointments`
      const wish = { scope: 'appointments.read', resource: oauthCalendar, dpop: true }
      const session = await worlds.client.authorize(stage, wish)
      await stage.step('client', 'reads the user’s appointments, with a proof by its key', () =>
        worlds.client.call(session, url),
      )
      const { access_token: token } = session.tokens
      await stage.step('thief', 'uses the access token as a bearer token', () =>
        steal(url, { headers: { authorization: `Bearer ${token}` } }),
      )
      const theft = await stage.step('thief', 'uses it with a proof by a key of its own', async () =>
        steal(url, {
          headers: { authorization: `DPoP ${token}`, dpop: await forgedProof({ method: 'GET', url, token }) },
        }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: `The thief gets ${await told(theft)}.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret], apis: [oauthCalendar] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { calendar } = worlds.participants.addresses
      const url = `${calendar}/appointments`
      const { agent, file } = await inviteAgent(worlds.participants)
      await stage.step('agent', 'reads the user’s appointments; the user agrees on the way', () => agent.fetch(url))
      const jwt = tokenIn(lastOf(stage.last(), ({ to, response }) => to === 'calendar' && response.status === 200))
      const theft = await stage.step('thief', 'uses the auth token under a key of its own', async () =>
        steal(url, { headers: await signedHeaders(url, { jwt, key: await thiefKey() }) }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: `The thief gets ${await told(theft)}.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...aauthInventory(worlds, { delegates: [file], resources: [calendar], keys: aauthKeys }),
      }
    },
  },
]
