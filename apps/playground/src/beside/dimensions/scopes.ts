import * as oauth from 'openid-client'
import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys } from '../keys.js'
import { clientIds } from '../oauth-world.js'
import { lastOf, messagesTo } from '../told.js'

/** Three calls: one for anyone, one for known callers, one for what a user allowed. */
export const scopes: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1' },
    async play(stage, worlds) {
      const { oauthCalendar } = worlds.participants.addresses
      const { client } = worlds
      const open = await stage.step('client', 'reads what is public', () => fetch(`${oauthCalendar}/public`))
      const early = await stage.step('client', 'calls the agenda without a token', () =>
        fetch(`${oauthCalendar}/agenda`),
      )
      const own = await stage.step('client', 'gets a token in its own name', async () => {
        const config = await client.configure()
        const tokens = await oauth.clientCredentialsGrant(config, { resource: oauthCalendar })
        return { config, tokens }
      })
      const agenda = await stage.step('client', 'calls the agenda with it', () =>
        client.call(own, `${oauthCalendar}/agenda`),
      )
      const lacking = await stage.step('client', 'calls the appointments with it', () =>
        client.call(own, `${oauthCalendar}/appointments`),
      )
      const session = await client.authorize(stage, { scope: 'appointments.read', resource: oauthCalendar })
      const allowed = await stage.step('client', 'calls the appointments with the user’s token', () =>
        client.call(session, `${oauthCalendar}/appointments`),
      )
      const needed = [open, early, lacking].filter(({ ok }) => !ok).length
      const statuses = [open, early, agenda, lacking, allowed].map(({ status }) => status).join(', ')
      return {
        outcome: {
          verdict: 'told',
          sentence: `The calls are answered ${statuses}. ${needed} of the three needed the authorization server: ${messagesTo(stage.all(), 'oauth-server')} messages went to it.`,
          message: lastOf(stage.all(), ({ response }) => response.status === 403).id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret], apis: [oauthCalendar] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { calendar } = worlds.participants.addresses
      const { agent, file } = await inviteAgent(worlds.participants)
      const statuses: number[] = []
      let needed = 0
      for (const path of ['public', 'agenda', 'appointments']) {
        const call = (): Promise<Response> => agent.fetch(`${calendar}/${path}`)
        statuses.push((await stage.step('agent', callOf[path] ?? '', call)).status)
        if (messagesTo(stage.last(), 'auth-server') > 0) needed++
      }
      return {
        outcome: {
          verdict: 'told',
          sentence: `The calls are answered ${statuses.join(', ')}. ${needed} of the three needed the auth server: ${messagesTo(stage.all(), 'auth-server')} messages went to it.`,
          message: lastOf(stage.all(), ({ to, request }) => to === 'calendar' && request.target === '/agenda').id,
        },
        ...aauthInventory(worlds, { delegates: [file], resources: [calendar], keys: aauthKeys }),
      }
    },
  },
]

const callOf: Readonly<Record<string, string>> = {
  public: 'reads what is public, unsigned',
  agenda: 'calls the agenda, signed, with its agent token',
  appointments: 'calls the appointments; the user agrees on the way',
}
