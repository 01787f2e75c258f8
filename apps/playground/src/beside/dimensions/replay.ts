import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan } from '../column.js'
import { dpopProof } from '../forged-proof.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys } from '../keys.js'
import type { KeptTokens } from '../oauth-client.js'
import { clientIds } from '../oauth-world.js'
import { readJson } from '../secrets.js'
import { capturedHeaders, delegateKey, signedHeaders, steal, tokenIn } from '../thief.js'
import { lastOf, told } from '../told.js'

const event = { summary: 'Pay 40 euros' } as const
const changed = { summary: 'Pay 4000 euros' } as const
const json = { 'content-type': 'application/json' } as const

/** Someone between the caller and the API has a whole request: sends it again, and holds one back to change its body. */
export const replay: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, with a bearer token' },
    async play(stage, worlds) {
      const { oauthCalendar } = worlds.participants.addresses
      const url = `${oauthCalendar}/events`
      const session = await worlds.client.authorize(stage, { scope: 'events.write', resource: oauthCalendar })
      await stage.step('client', 'adds an event', () =>
        worlds.client.call(session, url, { method: 'POST', body: event }),
      )
      const headers = { ...json, authorization: `Bearer ${session.tokens.access_token}` }
      const again = await stage.step('thief', 'sends the same request again', () =>
        steal(url, { method: 'POST', headers, body: JSON.stringify(event) }),
      )
      const other = await stage.step('thief', 'sends it with another body', () =>
        steal(url, { method: 'POST', headers, body: JSON.stringify(changed) }),
      )
      return {
        outcome: {
          verdict: again.ok || other.ok ? 'broken' : 'held',
          sentence: `Sent again: ${await told(again)}. Changed: ${await told(other)}.`,
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
      const url = `${oauthCalendar}/events`
      await worlds.client.authorize(stage, {
        scope: 'events.write',
        resource: oauthCalendar,
        dpop: true,
      })
      const { access_token: token, dpop_key: key = {} } = readJson(worlds.files.tokens) as unknown as KeptTokens
      const proven = async (): Promise<Record<string, string>> => ({
        ...{ ...json, authorization: `DPoP ${token}` },
        dpop: await dpopProof({ method: 'POST', url, token }, key),
      })
      const sent = await proven()
      await stage.step('client', 'adds an event, with a proof by its key', () =>
        fetch(url, { method: 'POST', headers: sent, body: JSON.stringify(event) }),
      )
      const again = await stage.step('thief', 'sends the same request again', () =>
        steal(url, { method: 'POST', headers: sent, body: JSON.stringify(event) }),
      )
      const heldBack = await proven()
      const other = await stage.step(
        'thief',
        'holds back another request of the client, and sends it with another body',
        () => steal(url, { method: 'POST', headers: heldBack, body: JSON.stringify(changed) }),
      )
      return {
        outcome: {
          verdict: again.ok || other.ok ? 'broken' : 'held',
          sentence: `Sent again: ${await told(again)}. Changed: ${await told(other)}. The proof covers method and URL.`,
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
      const url = `${calendar}/events`
      const day = '2026-12-10'
      const body = { ...event, start: day, end: day }
      const { agent, file } = await inviteAgent(worlds.participants)
      await stage.step('agent', 'adds an event; the user agrees on the way', () =>
        agent.fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) }),
      )
      const sent = lastOf(stage.last(), ({ to, response }) => to === 'calendar' && response.status === 201)
      const again = await stage.step('thief', 'sends the same request again', () =>
        steal(url, { method: 'POST', headers: capturedHeaders(sent), body: sent.request.body }),
      )
      const jwt = tokenIn(sent)
      const heldBack = await signedHeaders(url, { jwt, key: await delegateKey(file), body })
      const other = await stage.step(
        'thief',
        'holds back another request of the agent, and sends it with another body',
        () => steal(url, { method: 'POST', headers: heldBack, body: JSON.stringify({ ...body, ...changed }) }),
      )
      return {
        outcome: {
          verdict: again.ok || other.ok ? 'broken' : 'held',
          sentence: `Sent again: ${await told(again)}. Changed: ${await told(other)}. The signature covers the body.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...aauthInventory(worlds, { delegates: [file], resources: [calendar], keys: aauthKeys }),
      }
    },
  },
]
