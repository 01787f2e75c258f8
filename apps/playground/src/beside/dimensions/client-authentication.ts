import { join } from 'node:path'
import { agentServer, createAgent } from '@countersign/agent'
import { signRequest } from '@countersign/httpsig'
import { keysFile } from '@countersign/server'
import { generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'openid-client'
import type { ColumnPlan } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import type { OAuthServerConfig } from '../oauth-config.js'
import { clientIds } from '../oauth-world.js'
import { readJson } from '../secrets.js'
import type { Stage } from '../stage.js'
import { steal, thiefKey } from '../thief.js'
import { lastOf, told } from '../told.js'
import type { Worlds } from '../worlds.js'

/** A thief has read what the other side keeps about a client, and wants to act as that client. */
export const clientAuthentication: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, with a client secret' },
    async play(stage, worlds) {
      await honestClient(stage, worlds, 'secret')
      const { oauthServer } = worlds.participants.addresses
      const { clients } = readJson(worlds.files.server) as unknown as OAuthServerConfig
      const secret = clients.find(({ client_id }) => client_id === clientIds.secret)?.client_secret ?? ''
      const theft = await stage.step(
        'thief',
        'has read the configuration of the authorization server, and uses the secret in it',
        () =>
          steal(`${oauthServer}/token`, {
            method: 'POST',
            headers: { authorization: `Basic ${Buffer.from(`${clientIds.secret}:${secret}`).toString('base64')}` },
            body: asClient(worlds),
          }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: theft.ok
            ? `The thief gets ${theft.status} and an access token: the server keeps the very value that the client proves itself with.`
            : `The thief gets ${await told(theft)}.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret] }),
      }
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with private_key_jwt (RFC 7523)' },
    async play(stage, worlds) {
      await honestClient(stage, worlds, 'key')
      const { oauthServer } = worlds.participants.addresses
      const theft = await stage.step(
        'thief',
        'has read the client’s public key there, and signs with a key of its own',
        async () =>
          steal(`${oauthServer}/token`, { method: 'POST', body: asClient(worlds, await forgedAssertion(oauthServer)) }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: `The thief gets ${await told(theft)}: a public key lets no one in.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.key] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { addresses, folder } = worlds.participants
      const url = `${addresses.calendar}/agenda`
      const [own] = await keysFile(join(folder, 'agent-server', 'keys.json'), { missing: 'refuse' })
      if (own === undefined) throw new Error('the agent server has no key')
      const agent = createAgent({
        identity: agentServer({ id: addresses.agentServer, ...own }),
        ...{ acceptAuthServer: [addresses.authServer], identifyTo: [addresses.calendar], development: true },
      })
      await stage.step('agent', 'calls the calendar, signed by its published key', () => agent.fetch(url))
      const { keys } = (await (
        await stage.step('thief', 'reads the published keys of the agent', () =>
          steal(`${addresses.agentServer}/.well-known/aauth-agent`).then(async document => {
            const { jwks_uri } = (await document.json()) as { readonly jwks_uri: string }
            return steal(jwks_uri)
          }),
        )
      ).json()) as { readonly keys: ReadonlyArray<{ readonly kid: string }> }
      const added = await signRequest({
        ...{ method: 'GET', url, key: await thiefKey() },
        signatureKey: { scheme: 'jwks_uri', id: addresses.agentServer, kid: keys[0]?.kid ?? '', dwk: 'aauth-agent' },
      })
      const theft = await stage.step('thief', 'signs with a key of its own, in the name of the agent', () =>
        steal(url, { headers: Object.fromEntries(added) }),
      )
      return {
        outcome: {
          verdict: theft.ok ? 'broken' : 'held',
          sentence: `The thief gets ${await told(theft)}: no one but the agent has its private key.`,
          message: lastOf(stage.all(), ({ from }) => from === 'thief').id,
        },
        ...aauthInventory(worlds, {
          keys: [['agent server', 'agent-server/keys.json']],
        }),
      }
    },
  },
]

function honestClient(stage: Stage, worlds: Worlds, by: 'secret' | 'key'): Promise<unknown> {
  return stage.step('client', `authenticates by its ${by}, and gets a token of its own`, async () =>
    oauth.clientCredentialsGrant(await worlds.client.configure(by), Object.fromEntries(asClient(worlds))),
  )
}

function asClient({ participants }: Worlds, assertion?: string): URLSearchParams {
  const form = new URLSearchParams({ grant_type: 'client_credentials', resource: participants.addresses.oauthCalendar })
  if (assertion === undefined) return form
  form.set('client_id', clientIds.key)
  form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  form.set('client_assertion', assertion)
  return form
}

async function forgedAssertion(audience: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256')
  return new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: 'client' })
    .setIssuer(clientIds.key)
    .setSubject(clientIds.key)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('1m')
    .setJti(crypto.randomUUID())
    .sign(privateKey)
}
