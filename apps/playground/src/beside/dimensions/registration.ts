import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scriptedUser, storyBrowser } from '../../story-user.js'
import type { ColumnPlan } from '../column.js'
import { aauthInventory, oauthInventory } from '../inventory.js'
import { clientIds } from '../oauth-world.js'
import { readJson } from '../secrets.js'
import { lastOf } from '../told.js'

/** A web app that the server has never heard of wants to sign a user in. */
export const registration: readonly ColumnPlan[] = [
  {
    ...{ world: 'oauth', title: 'OAuth 2.1, registered by hand' },
    async play(stage, worlds) {
      const { oauthServer, oauthClient } = worlds.participants.addresses
      const query = new URLSearchParams({
        ...{ client_id: `app-${randomUUID().slice(0, 8)}`, response_type: 'code', scope: 'openid' },
        ...{ redirect_uri: `${oauthClient}/callback`, code_challenge_method: 'S256' },
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      })
      const stranger = await stage.step(
        'user',
        'is sent to the authorization server by an app that is not registered',
        () => fetch(`${oauthServer}/auth?${query}`, { headers: { 'user-agent': `${storyBrowser} (Ada Lovelace)` } }),
      )
      const [error = ''] = /invalid_\w+/.exec(await stranger.text()) ?? []
      const { sub } = await worlds.client.authorize(stage, { scope: 'openid' })
      return {
        outcome: {
          verdict: 'told',
          sentence: `The app that is not registered gets ${stranger.status} ${error}. The one that an operator has registered signs “${sub}” in.`,
          message: lastOf(stage.all(), ({ response }) => response.status === stranger.status).id,
        },
        ...oauthInventory(worlds, { clients: [clientIds.secret] }),
      }
    },
  },
  {
    ...{ world: 'oauth-more', title: 'OAuth 2.1 with dynamic registration (RFC 7591)' },
    async play(stage, worlds) {
      const { oauthServer, oauthClient } = worlds.participants.addresses
      const registered = await stage.step('client', 'registers itself', async () =>
        fetch(`${oauthServer}/reg`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            ...{ redirect_uris: [`${oauthClient}/callback`], grant_types: ['authorization_code', 'refresh_token'] },
            ...{ token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256' },
          }),
        }),
      )
      const got = (await registered.json()) as { readonly client_id: string; readonly client_secret: string }
      writeFileSync(worlds.files.registered, JSON.stringify(got, null, 1), { mode: 0o600 })
      const { sub } = await worlds.client.authorize(stage, { scope: 'openid', by: got })
      return {
        outcome: {
          verdict: 'told',
          sentence: `It registers itself, and gets ${registered.status} with a client id and a secret for this one server. It signs “${sub}” in.`,
          message: lastOf(stage.all(), ({ request }) => request.target === '/reg').id,
        },
        ...oauthInventory(worlds, { clients: [got.client_id] }),
      }
    },
  },
  {
    ...{ world: 'aauth', title: 'AAuth' },
    async play(stage, worlds) {
      const { participants } = worlds
      const { webApp } = participants.addresses
      const visit = await stage.step('user', 'signs in at a web app that no one has registered', () =>
        scriptedUser('Ada Lovelace').decide(`${webApp}/sign-in`, 'Allow'),
      )
      const config = JSON.stringify(readJson(join(participants.folder, 'auth-server.json')))
      const named = config.includes(webApp) ? 'names it' : 'does not name it'
      return {
        outcome: {
          verdict: 'told',
          sentence: `The app says “${visit.ended}”. It is ${webApp}, whose keys anyone can read; the configuration of the auth server ${named}.`,
          message: lastOf(stage.all(), ({ request }) => request.target === '/agent/token').id,
        },
        ...aauthInventory(worlds, {
          resources: ['self'],
          keys: [
            ['web app', 'web-app/keys.json'],
            ['auth server', 'auth-server/keys.json'],
          ],
        }),
      }
    },
  },
]
