import * as oauth from 'openid-client'
import { inviteAgent } from '../aauth-agent.js'
import type { ColumnPlan } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { aauthKeys } from '../keys.js'
import { lastOf } from '../told.js'

/** A program that knows nothing but the URL of an API finds its server; then it meets a server whose metadata claim another's name. */
export const discovery: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1 (RFC 9728, RFC 8414)' },
    async play(stage, worlds) {
      const { oauthCalendar, impostor } = worlds.participants.addresses
      const asked = await stage.step('client', 'calls the API without a token', () =>
        fetch(`${oauthCalendar}/appointments`),
      )
      const [, resource = ''] = /resource_metadata="([^"]+)"/.exec(asked.headers.get('www-authenticate') ?? '') ?? []
      const metadata = await stage.step('client', 'follows the challenge to the metadata of the API', () =>
        fetch(resource),
      )
      const { authorization_servers: servers = [] } = (await metadata.json()) as {
        readonly authorization_servers?: readonly string[]
      }
      const found = await stage.step('client', 'reads the metadata of the authorization server', () =>
        metadataOf(servers[0] ?? ''),
      )
      const way = stage.all().length
      const other = await stage.step('client', 'reads metadata that claim the issuer of another server', () =>
        metadataOf(impostor),
      )
      return {
        outcome: {
          verdict: other.startsWith('refused') ? 'held' : 'broken',
          sentence: `It finds ${found} in ${way} messages. The metadata under a false name are ${other}.`,
          message: lastOf(stage.all(), ({ to }) => to === 'impostor').id,
        },
        ...oauthInventory(worlds, { clients: [], apis: [oauthCalendar] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { calendar, impostor } = worlds.participants.addresses
      const { agent, file } = await inviteAgent(worlds.participants)
      await stage.step('agent', 'calls the API, and follows its challenge to the end; the user agrees', () =>
        agent.fetch(`${calendar}/appointments`),
      )
      const way = stage.all().findIndex(({ to }) => to === 'auth-server') + 1
      const whole = stage.all().length
      const other = await stage.step('agent', 'reads metadata that claim the name of another auth server', () =>
        refusal(() => agent.signIn({ authServer: impostor, scope: 'openid' })),
      )
      return {
        outcome: {
          verdict: other.startsWith('refused') ? 'held' : 'broken',
          sentence: `It finds the auth server in ${way} messages, and goes on to the answer: ${whole} messages in all, with no registration. The metadata under a false name are ${other}.`,
          message: lastOf(stage.all(), ({ to }) => to === 'impostor').id,
        },
        ...aauthInventory(worlds, { delegates: [file], resources: [calendar], keys: aauthKeys }),
      }
    },
  },
]

/** The issuer that an authorization server's metadata name, or why they are refused. */
function metadataOf(server: string): Promise<string> {
  return refusal(async () => {
    const config = await oauth.discovery(new URL(server), 'unregistered', undefined, oauth.None(), {
      ...{ execute: [oauth.allowInsecureRequests], algorithm: 'oauth2' },
    })
    return config.serverMetadata().issuer
  })
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    return String(await work())
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown }
    const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : ''
    return `refused (${why.replaceAll('"', '')})`
  }
}
