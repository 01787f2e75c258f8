import { readFileSync } from 'node:fs'
import { headerValue } from '../../wire/message.js'
import type { PeerAnswer } from '../shared/refusal.js'
import { Refusal, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { checkTarget } from '../shared/request.js'
import { notFound, serve } from '../shared/server.js'
import { readable } from './cors.js'
import { guarded } from './guard.js'
import { pageAt } from './interaction.js'
import { openMcp } from './mcp/servers.js'
import { documentAt } from './metadata.js'
import { takeNotice } from './notice.js'
import { giveResourceToken } from './resource-token-endpoint.js'
import { routeOf } from './routes.js'
import { openSite, type ResourceSettings, type Site } from './site.js'

// The reference peer of the role resource: node main.js CONFIG.json

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ResourceSettings
const own = openSite(settings)
const mcp = openMcp(settings.mcp ?? { agent: '', deniedAgent: '' }, own)

function answer(request: PeerRequest): Promise<PeerAnswer> {
  return readable(request, own, async () => {
    checkTarget(request)
    return answerAt(request, { ...own, authority: authorityOf(request) })
  })
}

/** The authority that a request is for, out of those of the resource. @see protocol §3.4 */
function authorityOf(request: PeerRequest): string {
  const host = (headerValue(request, 'host') ?? '').toLowerCase().replace(/:80$/, '')
  if (own.authorities.includes(host)) return host
  throw refusing(421, 'invalid_request')('authority_unknown', 'the authority is not one of this server')
}

async function answerAt(request: PeerRequest, site: Site): Promise<PeerAnswer> {
  const { method, path } = request
  const document = method === 'GET' ? documentAt(path, site) : undefined
  if (document !== undefined) return document
  if (path === '/resource-token') return identified(giveResourceToken(request, site))
  if (path === '/revocation') return identified(takeNotice(request, site))
  const page = await pageAt(request, site)
  if (page !== undefined) return page
  const ofMcp = mcp(request)
  if (ofMcp !== undefined) return ofMcp
  const route = routeOf(request)
  return route === undefined ? notFound : guarded(request, route, site)
}

/** Endpoints take agents that say who they are. */
function identified(answering: Promise<PeerAnswer>): Promise<PeerAnswer> {
  return answering.catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.status !== 401 || error.error === 'replay_detected') throw error
    throw error.with({ headers: { 'agent-auth': 'httpsig;identity=?1' } })
  })
}

// It says that it is ready once a request that is created now would pass.
setTimeout(() => serve(settings.port, answer), Math.max(0, own.start * 1000 - Date.now()))
