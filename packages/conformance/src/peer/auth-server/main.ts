// A small auth server in development mode: node main.js SETTINGS.json
import { readFileSync } from 'node:fs'
import { makeKey } from '../../signing/key.js'
import { readBody } from '../shared/body.js'
import { openDocuments } from '../shared/documents.js'
import { type PeerAnswer, refusing } from '../shared/refusal.js'
import { openReplaySet } from '../shared/replay.js'
import { checkTarget, type PeerRequest } from '../shared/request.js'
import { type Handler, notFound, publishedJson, serve } from '../shared/server.js'
import { account, device, openQuestion, signIn, verifyAgain } from './account.js'
import { type Visit, visited } from './browser.js'
import { decide, goOn, openLink } from './consent.js'
import type { Context } from './context.js'
import { connect, linkCallback } from './link.js'
import type { Settings } from './settings.js'
import { openState } from './state.js'
import { requestTypes, revocationEndpoint, tokenEndpoint } from './token-endpoint.js'

type Page = (context: Context, visit: Visit) => PeerAnswer | Promise<PeerAnswer>

const pages: Readonly<Record<string, Page>> = {
  'GET /agent/auth': openLink,
  'POST /sign-in': signIn,
  'POST /verify': verifyAgain,
  'GET /consent': goOn,
  'POST /consent': decide,
  'GET /link/callback': linkCallback,
  'POST /connect': connect,
  'GET /device': device,
  'POST /device': device,
  'GET /account': account,
  'POST /account': account,
  'GET /question': openQuestion,
}

/** The documents by which it is known. @see protocol §6 */
function documentsOf({ id, key, kid }: Context): Readonly<Record<string, object>> {
  const jwks_uri = `${id}/jwks.json`
  return {
    '/.well-known/aauth-issuer': {
      issuer: id,
      jwks_uri,
      agent_token_endpoint: `${id}/agent/token`,
      agent_auth_endpoint: `${id}/agent/auth`,
      revocation_endpoint: `${id}/agent/revoke`,
      agent_signing_algs_supported: ['Ed25519', 'ES256', 'ES384', 'PS512'],
      request_types_supported: requestTypes,
      constraints_supported: [
        ...['resources', 'scopes', 'purposes', 'until', 'hours'],
        ...['calls', 'chain', 'data', 'arguments', 'approval'],
      ],
    },
    '/.well-known/aauth-agent': { issuer: id, agent: id, jwks_uri, redirect_uris: [`${id}/link/callback`] },
    '/jwks.json': { keys: [{ ...key.jwk, kid, use: 'sig' }] },
  }
}

/** Answers all requests to the auth server. */
function handlerOf(context: Context): Handler {
  const documents = documentsOf(context)
  return async (request: PeerRequest) => {
    checkTarget(request)
    const { method, path } = request
    if (path === '/agent/token') return tokenEndpoint(context, request)
    if (path === '/agent/revoke') return revocationEndpoint(context, request)
    const document = documents[path]
    if (document !== undefined && method !== 'GET')
      throw refusing(405, 'invalid_request')('method_not_allowed', 'it takes GET').with({ headers: { allow: 'GET' } })
    if (document !== undefined) return publishedJson(document)
    const page = pages[`${method} ${path}`]
    if (page === undefined) return notFound
    const body = method === 'POST' ? (await readBody(request, 64 * 1024)).toString('utf8') : ''
    return visited(context, { request, body, answer: visit => page(context, visit) })
  }
}

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings
const now = (): number => Math.floor(Date.now() / 1000)
serve(
  settings.port,
  handlerOf({
    id: settings.id,
    settings,
    key: makeKey(),
    kid: 'auth-1',
    state: openState(settings.demoUsers.map(({ name }) => name)),
    documents: openDocuments(now),
    replays: openReplaySet(now, new URL(settings.id).host),
    now,
  }),
)
