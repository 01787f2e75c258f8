import { explain } from '@countersign/agent'
import { AuthorizationResponseError } from 'openid-client'
import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys } from '../keys.js'
import { clientIds } from '../oauth-world.js'
import { lastOf, toldOf } from '../told.js'

interface Taken {
  readonly taken?: { readonly status: number; readonly body: object }
}

/** An API says that it needs access to the user's appointments, and hopes to get what opens the calendar. */
export const consent: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, without resource indicators' },
    async play(stage, worlds) {
      const { impostor } = worlds.participants.addresses
      const scope = await stage.step('client', 'asks the impostor what it needs', () => wantedBy(impostor))
      const session = await worlds.client.authorize(stage, { scope })
      const answer = await stage.step('client', 'calls the impostor with the token', () =>
        worlds.client.call(session, `${impostor}/appointments`),
      )
      const { taken = { status: 0, body: {} } } = (await answer.json()) as Taken
      return {
        outcome: {
          verdict: taken.status === 200 ? 'broken' : 'held',
          sentence: `The user agreed to “${scope}”. The impostor passes the token on to the calendar and gets ${toldOf(taken.status, JSON.stringify(taken.body))}.`,
          message: lastOf(stage.all(), ({ from }) => from === 'impostor').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret, worlds.participants.addresses.oauthCalendar] }),
      }
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with resource indicators (RFC 8707)' },
    async play(stage, worlds) {
      const { impostor } = worlds.participants.addresses
      const scope = await stage.step('client', 'asks the impostor what it needs', () => wantedBy(impostor))
      const error = await worlds.client.authorize(stage, { scope, resource: impostor }).then(
        () => 'a code',
        (refused: unknown) => {
          if (refused instanceof AuthorizationResponseError) return refused.error
          throw refused
        },
      )
      return {
        outcome: {
          verdict: error === 'invalid_target' ? 'held' : 'broken',
          sentence: `The client names the API that the token is for. The authorization server answers ${error}, before it asks anyone.`,
          message: lastOf(stage.all(), ({ to }) => to === 'oauth-server').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { impostor, calendar } = worlds.participants.addresses
      const { agent, file, asked } = await inviteAgent(worlds.participants)
      const answer = await stage.step(
        'agent',
        'calls the impostor, which challenges it with a resource token of the calendar',
        () => agent.fetch(`${impostor}/aauth/appointments`),
      )
      const { reason = '' } = explain(answer)
      const { taken } = (await answer.json()) as Taken
      const passedOn =
        taken === undefined
          ? ''
          : ` The agent’s own request, passed on, got ${toldOf(taken.status, JSON.stringify(taken.body))}.`
      const called = stage.all().some(({ to }) => to === 'auth-server')
      return {
        outcome: {
          verdict: called || asked.length > 0 || taken?.status === 200 ? 'broken' : 'held',
          sentence: `The agent stops: ${reason}. The user was asked ${asked.length === 0 ? 'nothing' : 'something'}.${passedOn}`,
          message: lastOf(stage.all(), ({ to }) => to === 'impostor').id,
        },
        ...aauthInventory(worlds, { delegates: [file], resources: [calendar], keys: aauthKeys }),
      }
    },
  },
]

/** The scope that an API's metadata ask for. */
async function wantedBy(api: string): Promise<string> {
  const asked = await fetch(`${api}/appointments`)
  const [, resource = ''] = /resource_metadata="([^"]+)"/.exec(asked.headers.get('www-authenticate') ?? '') ?? []
  const { scopes_supported: scopes = [] } = (await (await fetch(resource)).json()) as {
    readonly scopes_supported?: readonly string[]
  }
  return scopes.join(' ')
}
