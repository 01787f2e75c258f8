import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan, Played } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys, roomsKeys } from '../keys.js'
import type { Wish } from '../oauth-client.js'
import { clientIds } from '../oauth-world.js'
import type { Stage } from '../stage.js'
import { lastOf } from '../told.js'
import type { Worlds } from '../worlds.js'

interface Booked {
  readonly booking?: {
    readonly client?: string
    readonly agent?: string
    readonly act?: { readonly sub?: string; readonly act?: { readonly sub?: string } }
    readonly chain?: ReadonlyArray<{ readonly agent: string; readonly agent_delegate?: string }>
    readonly user?: unknown
  }
}

/** Someone adds an event to the calendar, and the calendar books a room for it. Whom do rooms see? */
export const chains: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, passing the token on' },
    async play(stage, worlds) {
      const { oauthCalendar, oauthRooms } = worlds.participants.addresses
      const wish = { scope: 'events.write rooms.book' }
      const clients = [clientIds.secret, oauthCalendar, oauthRooms]
      return oauthHops(stage, worlds, { wish, clients, how: 'pass-on' })
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with token exchange (RFC 8693)' },
    async play(stage, worlds) {
      const { oauthCalendar } = worlds.participants.addresses
      const wish = { scope: 'events.write', resource: oauthCalendar }
      return oauthHops(stage, worlds, { wish, clients: [clientIds.secret, oauthCalendar], how: 'exchange' })
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth, through two domains' },
    async play(stage, worlds) {
      const { calendar, rooms } = worlds.participants.addresses
      const { agent, file, asked } = await inviteAgent(worlds.participants)
      const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
      const answer = await stage.step(
        'agent',
        'adds an event; the calendar books a room for it, and the user agrees to both',
        () =>
          agent.fetch(`${calendar}/events?room=library`, {
            ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
            body: JSON.stringify({ summary: 'Chess', start: day, end: day }),
          }),
      )
      const { booking } = (await answer.json()) as Booked
      const [first] = booking?.chain ?? []
      return {
        outcome: {
          verdict: booking?.agent === calendar && first !== undefined ? 'held' : 'broken',
          sentence: `${answer.status}: rooms see the caller ${booking?.agent}, behind it the agent ${first?.agent} and its delegate ${first?.agent_delegate}. The user was asked ${asked.length} times, once for each domain.`,
          message: lastOf(stage.all(), ({ to, response }) => to === 'rooms' && response.status === 201).id,
        },
        ...aauthInventory(worlds, {
          ...{ delegates: [file], resources: [calendar, rooms], keys: [...aauthKeys, ...roomsKeys] },
        }),
      }
    },
  },
]

async function oauthHops(
  stage: Stage,
  worlds: Worlds,
  {
    wish,
    clients,
    how,
  }: { readonly wish: Wish; readonly clients: readonly string[]; readonly how: 'pass-on' | 'exchange' },
): Promise<Played> {
  const { oauthCalendar, oauthRooms } = worlds.participants.addresses
  const session = await worlds.client.authorize(stage, wish)
  const answer = await stage.step('client', 'adds an event; the calendar books a room for it', () =>
    worlds.client.call(session, `${oauthCalendar}/events?room=library&token=${how}`, {
      ...{ method: 'POST', body: { summary: 'Chess' } },
    }),
  )
  const { booking } = (await answer.json()) as Booked
  const { client, act } = booking ?? {}
  const seen =
    act === undefined
      ? `rooms see the client “${client}”, and nothing of the calendar, which holds a token for both`
      : `rooms see ${act.sub} acting, and behind it the client “${act.act?.sub}”`
  return {
    outcome: {
      verdict: act === undefined ? 'broken' : 'held',
      sentence: `${answer.status}: ${seen}.`,
      message: lastOf(stage.all(), ({ to }) => to === 'oauth-rooms').id,
    },
    ...oauthInventory(worlds, { clients, apis: [oauthCalendar, oauthRooms] }),
  }
}
