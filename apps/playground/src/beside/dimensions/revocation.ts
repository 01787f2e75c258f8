import { setTimeout as sleep } from 'node:timers/promises'
import * as oauth from 'openid-client'
import type { ShownMessage } from '../../explorer/contract.js'
import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan, Played } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { roomsKeys } from '../keys.js'
import type { Wish } from '../oauth-client.js'
import { accessTokenLifetime } from '../oauth-config.js'
import { clientIds } from '../oauth-world.js'
import type { Stage } from '../stage.js'
import { lastOf, told, toldOf } from '../told.js'
import type { Worlds } from '../worlds.js'

/** Access is taken back. Does the token still work a moment later? */
export const revocation: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, with JWT access tokens' },
    play: (stage, worlds) => {
      const { oauthCalendar } = worlds.participants.addresses
      const wish = { scope: 'appointments.read', resource: oauthCalendar }
      return revoked(stage, worlds, { wish, clients: [clientIds.secret] })
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with introspection (RFC 7662)' },
    play: (stage, worlds) => {
      const { oauthCalendar } = worlds.participants.addresses
      return revoked(stage, worlds, {
        wish: { scope: 'appointments.read' },
        clients: [clientIds.secret, oauthCalendar],
      })
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth, with a notice to the resource' },
    async play(stage, worlds) {
      const { rooms, roomsAuthServer } = worlds.participants.addresses
      const { agent, file, user, answer } = await inviteAgent(worlds.participants)
      await stage.step('agent', 'lists the rooms; the user agrees on the way', () => agent.fetch(`${rooms}/rooms`))
      answer('Refuse')
      await stage.step('user', 'takes everything back on the account page', async heard => {
        await user.account(roomsAuthServer, 'Take everything back from all agents')
        await noticed(heard)
      })
      const notice = stage.last().find(isNotice)
      const click = stage.last().findLast(({ from, request }) => from === 'user' && request.method === 'POST')
      await stage.step('agent', 'calls again with its token; when it is asked, the user refuses', () =>
        agent.fetch(`${rooms}/rooms`),
      )
      const refused = lastOf([...stage.last()].reverse(), ({ to }) => to === 'rooms')
      const { status, body } = refused.response
      const after =
        notice === undefined || click === undefined
          ? 'Rooms had no notice yet'
          : `Rooms had their notice ${Math.round((notice.at - click.at) * 1000)} ms after the click`
      return {
        outcome: {
          verdict: status === 401 ? 'held' : 'broken',
          sentence: `${after}. The same token gets ${toldOf(status, body)}.`,
          message: refused.id,
        },
        ...aauthInventory(worlds, {
          ...{
            delegates: [file],
            resources: [rooms],
            keys: [['agent server', 'agent-server/keys.json'], ...roomsKeys],
          },
        }),
      }
    },
  },
]

const isNotice = ({ to, request, response }: ShownMessage): boolean =>
  to === 'rooms' && request.method === 'POST' && response.status === 204

/** Waits for the notice that follows the click, for a few seconds. */
async function noticed(heard: readonly ShownMessage[]): Promise<void> {
  for (let rounds = 0; rounds < 50 && !heard.some(isNotice); rounds++) await sleep(100)
  // One for each grant of the user.
  await sleep(300)
}

async function revoked(
  stage: Stage,
  worlds: Worlds,
  { wish, clients }: { readonly wish: Wish; readonly clients: readonly string[] },
): Promise<Played> {
  const { oauthCalendar } = worlds.participants.addresses
  const url = `${oauthCalendar}/appointments`
  const session = await worlds.client.authorize(stage, wish)
  await stage.step('client', 'reads the user’s appointments', () => worlds.client.call(session, url))
  await stage.step('client', 'revokes its refresh token, and with it the grant', () =>
    oauth.tokenRevocation(session.config, session.tokens.refresh_token ?? ''),
  )
  const after = await stage.step('client', 'calls again with the access token', () => worlds.client.call(session, url))
  const until = after.ok ? ` It goes on to work until it expires, ${accessTokenLifetime} s after it was issued.` : ''
  return {
    outcome: {
      verdict: after.ok ? 'broken' : 'held',
      sentence: `After the revocation the access token gets ${await told(after)}.${until}`,
      message: lastOf(stage.all(), ({ to }) => to === 'oauth-calendar').id,
    },
    ...oauthInventory(worlds, { clients, apis: [oauthCalendar] }),
  }
}
